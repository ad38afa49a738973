"""The objects that addresses name: each is made for the owner, and what is not there is named too.

A parameter of an address is looked up here by its name, or by what the row says under `with`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

from django.conf import settings
from django.db import connection

from apps.auth.models import Passkey, SocialIdentity
from apps.auth.services import access_tokens
from apps.auth.services.tokens import read_token
from apps.auth.types import Scope, TokenType
from apps.datastream.models import Game, Round
from apps.datastream.rules.instruments import KEY_PREFIX, ROOM_PREFIX
from apps.datastream.services import metrics
from apps.events.types import Actor
from apps.realtime.services import set_last_value
from apps.track.models import Playlist, PlaylistItem, Track, TrackVersion
from apps.track.services.uploads import create_upload
from apps.track.types import Metadata
from tests.factories.auth import LAPTOP, sign_in
from tests.policy.callers import LATER
from tests.policy.world import ISSUER, PROVIDER, Scene
from veza.integrations.object_storage import object_storage
from veza.kit.models import new_id


@dataclass(frozen=True, kw_only=True)
class Maker:
    """How an object comes to be, and how one is called that does not exist."""

    make: Callable[[Scene], Any]
    absent: Callable[[], Any] = new_id


def _session(scene: Scene) -> Any:
    access = sign_in(scene.owner, client=LAPTOP).tokens.access
    return read_token(access, token_type=TokenType.ACCESS).session_id


def _access_token(scene: Scene) -> Any:
    purpose = access_tokens.TokenPurpose(
        name="of the owner", scopes=frozenset({Scope.READ}), expires_at=scene.now + LATER
    )
    return access_tokens.create_token(user_id=scene.owner.id, purpose=purpose, now=scene.now).row.id


def _passkey(scene: Scene) -> Any:
    return Passkey.objects.create(
        user=scene.owner, name="key", credential_id=token_urlsafe(16), public_key=b"", sign_count=0
    ).id


def _identity(scene: Scene) -> Any:
    return SocialIdentity.objects.create(
        user=scene.owner, issuer=ISSUER, subject=token_urlsafe(16)
    ).id


def make_metric(scene: Scene) -> Any:
    """Anyone may read it."""
    actor = Actor(type="user", id=scene.owner.id)
    return metrics.create_metric(name="temperature", input_frequency_ns=1, actor=actor).id


def _reading(scene: Scene) -> Any:
    actor = Actor(type="user", id=scene.owner.id)
    metrics.record_reading(
        metric_id=make_metric(scene), value=1.5, timestamp=scene.now, actor=actor
    )


def _facts(scene: Scene) -> Any:
    """All that was published so far stands in the log, as the relay would have it."""
    make_metric(scene)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM events_move(10000, 0)")


def _instrument(scene: Scene) -> Any:
    set_last_value(f"{ROOM_PREFIX}BTC_USDT", {"instrument": "BTC_USDT", "price": 1.5, "ts": 1})
    assert KEY_PREFIX
    return "BTC_USDT"


def _round(scene: Scene) -> Any:
    game, _ = Game.objects.get_or_create(slug="policy", type="policy")
    Round.objects.create(game=game)
    return "policy"


def _file(key: str) -> Callable[[Scene], Any]:
    def make(scene: Scene) -> Any:
        object_storage().put(key, b"a picture")
        return key

    return make


def _mail(scene: Scene) -> Any:
    folder = Path(settings.EMAIL_FILE_PATH)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "policy.log").write_text("Subject: Hello\nTo: a@example.org\n\nHello\n")
    return "policy.log"


def make_track(scene: Scene, **told: Any) -> Track:
    """It can be heard, and everyone may see it unless it is `told` otherwise."""
    track = Track.objects.create(
        owner=scene.owner,
        title="Dawn",
        **{"visibility": "public", "status": "ready", "duration_ms": 1000, **told},
    )
    prefix = f"tracks/{track.id}"
    version = TrackVersion.objects.create(
        track=track, n=1, status="ready", stage="ready", source_key=f"{prefix}/source",
        size_bytes=1, hls_prefix=f"{prefix}/hls", waveform_key=f"{prefix}/waveform.json",
    )  # fmt: skip
    for name in ("source", "hls/master.m3u8", "waveform.json"):
        object_storage().put(f"{prefix}/{name}", b"{}")
    Track.objects.filter(pk=track.pk).update(active=version)
    return track


def make_playlist(scene: Scene, **told: Any) -> Playlist:
    """Everyone may see it unless it is `told` otherwise."""
    fields = {"visibility": "public", **told}
    return Playlist.objects.create(owner=scene.owner, title="Late trains", **fields)


def _upload(scene: Scene) -> Any:
    return create_upload(
        user_id=scene.owner.id, size_bytes=1, metadata=Metadata(), now=scene.now
    ).id


def _item(scene: Scene) -> PlaylistItem:
    return PlaylistItem.objects.create(
        playlist=make_playlist(scene, item_count=1),
        track=make_track(scene),
        added_by=scene.owner,
        place="V",
    )


def _item_of_playlist(scene: Scene) -> Any:
    """Of the playlist that was made for the same address."""
    return PlaylistItem.objects.filter(playlist__owner=scene.owner).latest("created_at").id


MAKERS: Mapping[str, Maker] = {
    "track_id": Maker(make=lambda scene: make_track(scene).id),
    "private-track": Maker(make=lambda scene: make_track(scene, visibility="private").id),
    "given-track": Maker(make=lambda scene: make_track(scene, download="everyone").id),
    "deleted-track": Maker(make=lambda scene: make_track(scene, deleted_at=scene.now).id),
    "version-number": Maker(make=lambda scene: 1, absent=lambda: 1),
    "master": Maker(make=lambda scene: "master.m3u8", absent=lambda: "master.m3u8"),
    "upload_id": Maker(make=_upload),
    "absent-upload": Maker(make=lambda scene: new_id()),
    "playlist_id": Maker(make=lambda scene: make_playlist(scene).id),
    "private-playlist": Maker(make=lambda scene: make_playlist(scene, visibility="private").id),
    "playlist-of-item": Maker(make=lambda scene: _item(scene).playlist_id),
    "item_id": Maker(make=_item_of_playlist),
    "session_id": Maker(make=_session),
    "token_id": Maker(make=_access_token),
    "passkey_id": Maker(make=_passkey),
    "identity_id": Maker(make=_identity),
    "metric_id": Maker(make=make_metric),
    "username": Maker(make=lambda scene: scene.owner.username, absent=lambda: "nobody-here"),
    "provider": Maker(make=lambda scene: PROVIDER, absent=lambda: "elsewhere"),
    "instrument": Maker(make=_instrument, absent=lambda: "NO_SUCH"),
    "round": Maker(make=_round, absent=lambda: "none"),
    "round-type": Maker(make=_round, absent=lambda: "none"),
    "public-file": Maker(make=_file("public/a.webp"), absent=lambda: "public/none.webp"),
    "private-file": Maker(make=_file("private/a.webp"), absent=lambda: "private/none.webp"),
    "reading": Maker(make=_reading),
    "facts": Maker(make=_facts),
    "view": Maker(make=lambda scene: "library", absent=lambda: "nowhere"),
    "mail": Maker(make=_mail, absent=lambda: "none.log"),
}
