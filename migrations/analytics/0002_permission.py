"""Who may see the figures of the whole platform."""

from django.db import migrations

STAFF = ("operator", "admin")
HOLDERS = {"analytics.platform": STAFF}


def seed(apps, schema_editor):
    database = schema_editor.connection.alias
    permission, held = (
        apps.get_model("accounts", name).objects.using(database)
        for name in ("Permission", "RolePermission")
    )
    permission.bulk_create([permission.model(name=name) for name in HOLDERS], ignore_conflicts=True)
    held.bulk_create(
        [
            held.model(role_id=role, permission_id=name)
            for name, roles in HOLDERS.items()
            for role in roles
        ],
        ignore_conflicts=True,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0015_track_actions"),
        ("analytics", "0001_listening"),
    ]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
