"""What operators may do for tracks, and the name of it in the audit log."""

from django.db import migrations, models

STAFF = ("operator", "admin")
HOLDERS = {"tracks.read": STAFF, "tracks.manage": STAFF}


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
        ("accounts", "0014_user_words"),
    ]

    operations = [
        migrations.AlterField(
            model_name="auditentry",
            name="action",
            field=models.CharField(
                choices=[
                    ("user.registered", "User Registered"),
                    ("login.succeeded", "Login Succeeded"),
                    ("login.failed", "Login Failed"),
                    ("refresh.reused", "Refresh Reused"),
                    ("session.revoked", "Session Revoked"),
                    ("roles.changed", "Roles Changed"),
                    ("role.permissions_changed", "Role Permissions Changed"),
                    ("user.activated", "User Activated"),
                    ("user.deactivated", "User Deactivated"),
                    ("email.verified", "Email Verified"),
                    ("password.changed", "Password Changed"),
                    ("password.reset_requested", "Password Reset Requested"),
                    ("password.reset", "Password Reset"),
                    ("export.requested", "Export Requested"),
                    ("erasure.requested", "Erasure Requested"),
                    ("erasure.cancelled", "Erasure Cancelled"),
                    ("user.erased", "User Erased"),
                    ("access_token.created", "Access Token Created"),
                    ("access_token.revoked", "Access Token Revoked"),
                    ("two_factor.on", "Two Factor On"),
                    ("two_factor.off", "Two Factor Off"),
                    ("two_factor.failed", "Two Factor Failed"),
                    ("two_factor.locked", "Two Factor Locked"),
                    ("two_factor.reset", "Two Factor Reset"),
                    ("recovery_code.used", "Recovery Code Used"),
                    ("recovery_codes.made", "Recovery Codes Made"),
                    ("passkey.added", "Passkey Added"),
                    ("passkey.removed", "Passkey Removed"),
                    ("passkey.refused", "Passkey Refused"),
                    ("social.linked", "Social Linked"),
                    ("social.unlinked", "Social Unlinked"),
                    ("social.refused", "Social Refused"),
                    ("step_up.succeeded", "Step Up Succeeded"),
                    ("step_up.failed", "Step Up Failed"),
                    ("track.retried", "Track Retried"),
                ],
                max_length=50,
            ),
        ),
        migrations.RunPython(seed, migrations.RunPython.noop),
    ]
