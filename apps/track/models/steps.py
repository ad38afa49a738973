"""What workers did for versions, for operators and for a while."""

from django.db import models
from django.db.models import Q

from apps.track.models.versions import TrackVersion
from apps.track.types.steps import Step, StepResult


class StepEntry(models.Model):
    """A step of making a version, and how it ended. Tries that ended alike share a row, so a
    scanner that is away for a week is one row; each version keeps its newest.
    """

    version = models.ForeignKey(TrackVersion, on_delete=models.CASCADE, related_name="history")
    step = models.CharField(max_length=12, choices=Step.choices)
    result = models.CharField(max_length=10, choices=StepResult.choices, default=StepResult.RUNNING)
    code = models.CharField(max_length=60, blank=True)
    detail = models.CharField(max_length=300, blank=True, help_text="For operators alone")
    tries = models.PositiveIntegerField(default=1, help_text="That ended alike, one after another")
    began_at = models.DateTimeField(help_text="The first of these tries")
    ended_at = models.DateTimeField(null=True, blank=True, help_text="The last of these tries")
    duration_ms = models.PositiveBigIntegerField(null=True, blank=True, help_text="Of the last")
    due_at = models.DateTimeField(null=True, blank=True, help_text="When it is tried again")

    class Meta:
        verbose_name_plural = "step entries"
        indexes = [models.Index(fields=["version", "-id"], name="track_step_newest")]
        constraints = [
            models.CheckConstraint(
                name="track_step_ends_with_a_result",
                condition=Q(result="running", ended_at__isnull=True)
                | (~Q(result="running") & Q(ended_at__isnull=False)),
            )
        ]

    def __str__(self) -> str:
        return f"{self.step} {self.result}"
