import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import veza.kit.models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("track", "0009_stage_history"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Listening",
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
                ("session", models.CharField(max_length=32)),
                ("listener", models.CharField(max_length=32)),
                ("hour", models.DateTimeField()),
                ("started_at", models.DateTimeField()),
                ("duration_ms", models.PositiveIntegerField(null=True)),
                ("listened_ms", models.PositiveBigIntegerField()),
                ("covered", models.BinaryField(help_text="A bit for each hundredth of the track")),
                ("source", models.CharField(default="unknown", max_length=40)),
                ("country", models.CharField(default="ZZ", max_length=2)),
                ("is_bot", models.BooleanField(default=False)),
                ("is_counted", models.BooleanField()),
                (
                    "track",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="track.track",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["track", "hour"], name="listening_of_hour"),
                    models.Index(
                        condition=models.Q(("is_counted", True)),
                        fields=["hour"],
                        name="listening_counted",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("track", "session", "hour"), name="listening_once_an_hour"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ListeningEvent",
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
                ("client_id", models.UUIDField()),
                ("listener", models.CharField(max_length=32)),
                ("session", models.CharField(max_length=32)),
                ("type", models.CharField(max_length=60)),
                ("at", models.DateTimeField(help_text="As the client says")),
                ("position_ms", models.PositiveIntegerField(blank=True, null=True)),
                (
                    "duration_ms",
                    models.PositiveIntegerField(
                        help_text="Of the track, as it was then", null=True
                    ),
                ),
                ("source", models.CharField(blank=True, max_length=40)),
                ("country", models.CharField(default="ZZ", max_length=2)),
                ("is_bot", models.BooleanField(default=False)),
                ("data", models.JSONField(blank=True, null=True)),
                (
                    "track",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="track.track",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("track__isnull", False)),
                        fields=["track", "session", "at"],
                        name="listening_event_heard",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("listener", "client_id"), name="listening_event_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="TrackHour",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("hour", models.DateTimeField()),
                ("plays", models.PositiveBigIntegerField(default=0)),
                ("listened_ms", models.PositiveBigIntegerField(default=0)),
                (
                    "covered",
                    models.PositiveBigIntegerField(
                        default=0, help_text="Hundredths, over all plays"
                    ),
                ),
                (
                    "retention",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveIntegerField(), default=list, size=None
                    ),
                ),
                ("sources", models.JSONField(default=dict)),
                ("countries", models.JSONField(default=dict)),
                ("is_stale", models.BooleanField(default=True)),
                ("computed_at", models.DateTimeField(null=True)),
                (
                    "track",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="track.track",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["hour"], name="track_hour_by_hour"),
                    models.Index(
                        condition=models.Q(("is_stale", True)),
                        fields=["track"],
                        name="track_hour_stale",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("track", "hour"), name="track_hour_once")
                ],
            },
        ),
    ]
