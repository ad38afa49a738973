"""How many people there are, and how many came when."""

from datetime import datetime

from django.db.models import Count
from django.db.models.functions import TruncDay

from apps.auth.models import User


def people_by_day(*, since: datetime) -> dict[datetime, int]:
    """Who registered, by the beginning (UTC) of each day on which anybody did."""
    rows = User.objects.filter(created_at__gte=since)
    days = rows.annotate(day=TruncDay("created_at")).values("day").annotate(n=Count("pk"))
    return dict(days.values_list("day", "n"))
