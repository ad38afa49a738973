"""Realtime keeps nothing in tables; this gives its page a place in the admin."""

from django.db import models


class LiveConnection(models.Model):
    """An open connection, as `selectors.list_processes` knows it."""

    class Meta:
        managed = False
        default_permissions = ()
        verbose_name = "live connection"
        verbose_name_plural = "live rooms and connections"

    def __str__(self) -> str:
        return "live connection"
