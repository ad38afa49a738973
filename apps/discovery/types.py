"""The words of discovery."""

from dataclasses import dataclass

from django.db.models import TextChoices

from apps.auth.types import PersonCard
from apps.track.types import PlaylistCard, TrackCard


class Kind(TextChoices):
    """What the search looks for, by the name of its list in the answer."""

    TRACKS = "tracks"
    USERS = "users"
    PLAYLISTS = "playlists"
    STREAMS = "streams"
    PRODUCTS = "products"


Found = TrackCard | PersonCard | PlaylistCard


@dataclass(frozen=True, kw_only=True)
class Asking:
    """Who asks is told apart; this is what he asks."""

    text: str
    kinds: tuple[Kind, ...]
    limit: int
