"""Figures as they are now: what is stale is computed first."""

from datetime import datetime
from uuid import UUID

from apps.analytics.selectors import reports
from apps.analytics.services.rollups import refresh
from apps.analytics.types import Period, Report
from apps.track.selectors import get_editable_track
from apps.track.selectors.playing import own_track_ids


def report_on_track(track_id: UUID, *, user_id: UUID, period: Period, now: datetime) -> Report:
    """For its owner and who may edit it. Raises TrackNotFoundError."""
    track = get_editable_track(track_id, user_id=user_id)
    refresh([track.id], now=now)
    return reports.report([track.id], period=period, now=now)


def report_on_own(user_id: UUID, *, period: Period, now: datetime) -> Report:
    """Over all tracks of a user, with those that are heard most."""
    track_ids = own_track_ids(user_id)
    refresh(track_ids, now=now)
    return reports.report(track_ids, period=period, now=now, with_tracks=True)


def report_on_platform(*, period: Period, now: datetime) -> Report:
    """Over all tracks."""
    refresh(now=now)
    return reports.report(None, period=period, now=now, with_tracks=True)
