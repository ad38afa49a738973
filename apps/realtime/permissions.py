"""What realtime lets only some do."""

from django.db.models import TextChoices


class RealtimePermission(TextChoices):
    """Names that viewers and operators hold by their roles."""

    INGEST = "backbone.ingest", "Send data into the event backbone"
    MANAGE = "realtime.manage", "See live rooms and connections, and end connections"
