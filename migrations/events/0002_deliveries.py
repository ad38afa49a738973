"""What is owed to handlers, how far they are, and what was given up."""

import django.db.models.functions.datetime
from django.db import migrations, models

import veza.kit.models

# Each row is rewritten three times within seconds: dead rows count, not their share of the table.
DELIVERY_STORAGE = """
ALTER TABLE events_delivery SET (
  autovacuum_vacuum_threshold = 5000,
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_cost_delay = 0
);
"""

DELIVERY_STORAGE_BACK = """
ALTER TABLE events_delivery RESET (
  autovacuum_vacuum_threshold, autovacuum_vacuum_scale_factor, autovacuum_vacuum_cost_delay
);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="HandlerCursor",
            fields=[
                ("handler", models.TextField(primary_key=True, serialize=False)),
                ("position", models.BigIntegerField()),
                (
                    "moved_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "verbose_name": "cursor of a handler",
                "verbose_name_plural": "cursors of handlers",
                "db_table": "events_cursor",
                "default_permissions": ("view",),
            },
        ),
        migrations.AlterModelOptions(
            name="relaybeat",
            options={"default_permissions": ("view",), "verbose_name": "relay"},
        ),
        migrations.CreateModel(
            name="DeadLetter",
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
                ("queue", models.TextField()),
                ("task", models.TextField()),
                ("handler", models.TextField(blank=True)),
                ("event_id", models.UUIDField(null=True)),
                ("type", models.TextField(blank=True)),
                ("content", models.JSONField()),
                ("reason", models.TextField()),
                ("traceback", models.TextField(blank=True)),
                ("tries", models.PositiveSmallIntegerField()),
                (
                    "died_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("redriven_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "dead letter",
                "db_table": "events_dead_letter",
                "permissions": [("redrive_deadletter", "Can send dead letters again")],
                "default_permissions": ("view", "delete"),
                "indexes": [models.Index(fields=["died_at"], name="events_dead_letter_died")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("redriven_at__isnull", True)),
                        fields=("event_id", "handler"),
                        name="events_dead_letter_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("event_id", models.UUIDField()),
                ("handler", models.TextField()),
                ("position", models.BigIntegerField()),
                ("type", models.TextField()),
                ("queue", models.TextField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting to be sent"),
                            ("sent", "sent to the broker"),
                            ("running", "being tried"),
                            ("done", "done"),
                            ("dead", "given up"),
                        ],
                        db_default="waiting",
                        max_length=8,
                    ),
                ),
                ("tries", models.PositiveSmallIntegerField(db_default=0)),
                (
                    "due_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "changed_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("fault", models.TextField(blank=True, db_default="")),
            ],
            options={
                "verbose_name": "delivery",
                "verbose_name_plural": "deliveries",
                "db_table": "events_delivery",
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["waiting", "sent", "running"])),
                        fields=["due_at"],
                        name="events_delivery_due",
                    ),
                    models.Index(
                        condition=models.Q(("state__in", ["done", "dead"])),
                        fields=["changed_at"],
                        name="events_delivery_over",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("event_id", "handler"), name="events_delivery_once"
                    )
                ],
            },
        ),
        migrations.RunSQL(DELIVERY_STORAGE, DELIVERY_STORAGE_BACK),
    ]
