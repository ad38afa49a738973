"""The audit log: entries, their origins, and the chain of seals. Plain PostgreSQL 15 or newer."""

import django.db.models.deletion
from django.db import migrations, models

import veza.kit.models

# Entries and seals are only inserted; an origin may be erased, and never changed. TRUNCATE is left
# to privileges (deploy/postgres/roles.sql): who owns a table can take any trigger away.
REFUSE = """
CREATE FUNCTION accounts_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'The audit log is append-only: % on % is refused.', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE ON accounts_auditentry
  FOR EACH ROW EXECUTE FUNCTION accounts_audit_refuse();
CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE ON accounts_auditseal
  FOR EACH ROW EXECUTE FUNCTION accounts_audit_refuse();
CREATE TRIGGER audit_is_append_only BEFORE UPDATE ON accounts_auditorigin
  FOR EACH ROW EXECUTE FUNCTION accounts_audit_refuse();
"""

REFUSE_BACK = """
DROP TRIGGER audit_is_append_only ON accounts_auditorigin;
DROP TRIGGER audit_is_append_only ON accounts_auditseal;
DROP TRIGGER audit_is_append_only ON accounts_auditentry;
DROP FUNCTION accounts_audit_refuse();
"""

# The columns of an entry as text, in the order in which the hash covers them.
TEXTS = """
CREATE FUNCTION accounts_audit_texts(e accounts_auditentry) RETURNS text[]
LANGUAGE sql STABLE AS $$
  SELECT ARRAY[
    e.id::text, (extract(epoch FROM e.at) * 1000000)::bigint::text, e.action, e.actor_type,
    e.actor_id, coalesce(e.user_id::text, ''), e.request_id, e.details::text, e.origin_hash
  ]
$$;
"""

# Deferred, so that the lock is the last that a transaction takes: no deadlock, and a short wait.
# With the rights of the owner, so that nobody else needs to write seals.
SEAL = """
CREATE FUNCTION accounts_audit_seal() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  before_position bigint := 0;
  before_hash text := '';
  form text;
BEGIN
  PERFORM pg_advisory_xact_lock(7391002);
  SELECT s.position, s.hash INTO before_position, before_hash
    FROM accounts_auditseal s ORDER BY s.position DESC LIMIT 1;
  before_position := coalesce(before_position, 0);
  before_hash := coalesce(before_hash, '');
  SELECT string_agg(octet_length(convert_to(t, 'UTF8')) || ':' || t || ',', '' ORDER BY i)
    INTO form
    FROM unnest(
      ARRAY[before_hash, (before_position + 1)::text] || accounts_audit_texts(NEW)
    ) WITH ORDINALITY AS parts (t, i);
  INSERT INTO accounts_auditseal (position, entry_id, hash)
    VALUES (before_position + 1, NEW.id, encode(sha256(convert_to(form, 'UTF8')), 'hex'));
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER audit_is_sealed AFTER INSERT ON accounts_auditentry
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION accounts_audit_seal();
"""

SEAL_BACK = """
DROP TRIGGER audit_is_sealed ON accounts_auditentry;
DROP FUNCTION accounts_audit_seal();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_ingestor_role"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=veza.kit.models.new_id,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("at", models.DateTimeField()),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("user.registered", "User Registered"),
                            ("login.succeeded", "Login Succeeded"),
                            ("login.failed", "Login Failed"),
                            ("refresh.reused", "Refresh Reused"),
                            ("session.revoked", "Session Revoked"),
                            ("roles.changed", "Roles Changed"),
                            ("user.activated", "User Activated"),
                            ("user.deactivated", "User Deactivated"),
                        ],
                        max_length=50,
                    ),
                ),
                (
                    "actor_type",
                    models.CharField(
                        blank=True, help_text="Empty: nobody signed in", max_length=20
                    ),
                ),
                ("actor_id", models.CharField(blank=True, max_length=64)),
                (
                    "user_id",
                    models.UUIDField(blank=True, help_text="Whose account it is about", null=True),
                ),
                ("request_id", models.CharField(blank=True, max_length=64)),
                ("details", models.JSONField(blank=True, default=dict)),
                (
                    "origin_hash",
                    models.CharField(help_text="SHA-256 of the salted origin", max_length=64),
                ),
            ],
            options={
                "verbose_name_plural": "audit entries",
            },
        ),
        migrations.CreateModel(
            name="AuditSeal",
            fields=[
                ("position", models.BigIntegerField(primary_key=True, serialize=False)),
                ("hash", models.CharField(max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name="AuditOrigin",
            fields=[
                (
                    "entry",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="origin",
                        serialize=False,
                        to="accounts.auditentry",
                    ),
                ),
                ("ip", models.GenericIPAddressField(blank=True, null=True)),
                ("user_agent", models.CharField(blank=True, max_length=400)),
                ("salt", models.CharField(max_length=32)),
            ],
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(fields=["-at", "-id"], name="audit_by_time"),
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(fields=["user_id", "-at", "-id"], name="audit_by_user"),
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(fields=["action", "-at", "-id"], name="audit_by_action"),
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(fields=["actor_id", "-at", "-id"], name="audit_by_actor"),
        ),
        migrations.AddField(
            model_name="auditseal",
            name="entry",
            field=models.OneToOneField(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="seal",
                to="accounts.auditentry",
            ),
        ),
        migrations.CreateModel(
            name="AuditCheck",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("position", models.BigIntegerField()),
                ("hash", models.CharField(blank=True, max_length=64)),
                ("fault", models.CharField(blank=True, max_length=200)),
            ],
        ),
        migrations.RunSQL(REFUSE, REFUSE_BACK),
        migrations.RunSQL(TEXTS, "DROP FUNCTION accounts_audit_texts(accounts_auditentry);"),
        migrations.RunSQL(SEAL, SEAL_BACK),
    ]
