"""What people have chosen for themselves."""

from django.db import models

from apps.auth.models.people import User
from apps.auth.types import Theme


class UserSettings(models.Model):
    """A row once somebody has changed something; without one the defaults hold."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True, related_name="+")
    language = models.CharField(max_length=35, default="en")
    timezone = models.CharField(max_length=64, default="UTC")
    theme = models.CharField(max_length=10, choices=Theme.choices, default=Theme.SYSTEM)
    private_likes = models.BooleanField(default=False)
    explicit_content = models.BooleanField(default=True)
    email_digest = models.BooleanField(default=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"settings of {self.user_id}"
