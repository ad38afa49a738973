"""A role for programs that send data into the event backbone; see apps.auth.types.RoleName."""

from uuid import UUID

from django.db import migrations, models

INGESTOR = "ingestor"
DEMO_INGESTOR = UUID("018cc251-f400-7000-8000-000000000007")
CHOICES = [
    ("listener", "Listener"),
    ("creator", "Creator"),
    ("ingestor", "Ingestor"),
    ("moderator", "Moderator"),
    ("operator", "Operator"),
    ("admin", "Admin"),
]


def seed(apps, schema_editor):
    """The role, and its holder where the demo was made before there was one."""
    database = schema_editor.connection.alias
    role, user, user_role = (
        apps.get_model("accounts", name).objects.using(database)
        for name in ("Role", "User", "UserRole")
    )
    role.get_or_create(name=INGESTOR)
    if user.filter(pk=DEMO_INGESTOR).exists():
        user_role.get_or_create(user_id=DEMO_INGESTOR, role_id=INGESTOR)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_seed_roles")]

    operations = [
        migrations.AlterField(
            model_name="role",
            name="name",
            field=models.CharField(
                choices=CHOICES, max_length=20, primary_key=True, serialize=False
            ),
        ),
        migrations.RunPython(seed, migrations.RunPython.noop),
    ]
