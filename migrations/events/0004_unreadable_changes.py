"""Changes that capture could not decode, and which of them operators had skipped."""

import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0003_log_rooms"),
    ]

    operations = [
        migrations.CreateModel(
            name="UnreadableChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slot", models.TextField()),
                ("lsn", models.BigIntegerField()),
                ("commit_lsn", models.BigIntegerField()),
                ("transaction", models.BigIntegerField()),
                ("operation", models.TextField()),
                ("table", models.TextField()),
                ("fault", models.TextField()),
                (
                    "found_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("skipped_at", models.DateTimeField(null=True)),
                ("skips_transaction", models.BooleanField(db_default=False)),
            ],
            options={
                "verbose_name": "change that could not be decoded",
                "verbose_name_plural": "changes that could not be decoded",
                "db_table": "events_unreadable_change",
                "default_permissions": ("view",),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("slot", "commit_lsn", "lsn"), name="events_unreadable_change_once"
                    )
                ],
            },
        ),
    ]
