"""Permissions, and which roles hold them at first; operators may change that."""

import django.db.models.deletion
from django.db import migrations, models

STAFF = ("operator", "admin")
HOLDERS = {
    "users.read": STAFF,
    "users.manage": STAFF,
    "roles.grant": STAFF,
    "audit.read": STAFF,
    "events.read": STAFF,
    "events.redrive": STAFF,
    "backbone.ingest": ("ingestor", *STAFF),
    "realtime.manage": STAFF,
}


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
        ("accounts", "0005_second_factors"),
    ]

    operations = [
        migrations.CreateModel(
            name="Permission",
            fields=[
                ("name", models.CharField(max_length=50, primary_key=True, serialize=False)),
            ],
        ),
        migrations.CreateModel(
            name="RolePermission",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "permission",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.permission",
                    ),
                ),
                (
                    "role",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="role_permissions",
                        to="accounts.role",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("role", "permission"), name="role_permission_once"
                    )
                ],
            },
        ),
        migrations.RunPython(seed, migrations.RunPython.noop),
    ]
