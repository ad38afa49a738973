"""The log is extended under a number of its own: it had that of the seals of the audit log, so each
held the other up.
"""

from django.db import migrations

RENUMBER = """
DO $$ BEGIN
  EXECUTE replace(
    pg_get_functiondef('events_log_extend(bigint, bigint)'::regprocedure), '{old}', '{new}');
END $$;
"""
OLD, NEW = 7391002, 7391008


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0004_unreadable_changes"),
    ]

    operations = [
        migrations.RunSQL(
            RENUMBER.format(old=OLD, new=NEW), reverse_sql=RENUMBER.format(old=NEW, new=OLD)
        ),
    ]
