"""The five roles; see apps.auth.types.RoleName."""

from django.db import migrations

ROLES = ["listener", "creator", "moderator", "operator", "admin"]


def seed(apps, schema_editor):
    role = apps.get_model("accounts", "Role")
    role.objects.using(schema_editor.connection.alias).bulk_create(
        [role(name=name) for name in ROLES], ignore_conflicts=True
    )


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
