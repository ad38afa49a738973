"""Valid bodies that rows name: those that need something to be there before."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from webauthn.helpers import bytes_to_base64url

from apps.auth.models import Passkey, SecondFactor, User
from apps.auth.selectors import viewer_of
from apps.auth.services import keys, passkeys, second_factor, social_attempts
from apps.auth.services.tokens import read_token
from apps.auth.types import TokenType
from apps.chat.services import issue_token
from apps.track.models import Upload as UploadRow
from apps.track.services.uploads import create_upload
from apps.track.types import Metadata
from tests.factories.auth import LAPTOP, PASSWORD, sign_in
from tests.factories.authenticators import Authenticator
from tests.factories.factors import code_of
from tests.factories.pictures import picture
from tests.factories.sounds import wav
from tests.policy.objects import make_metric, make_track
from tests.policy.world import CALLBACK, PROVIDER, Scene, origin
from veza.kit.crypto import encrypt
from veza.kit.models import new_id

NEW_PASSWORD = "amber fields of sleeping bass"


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A body that is no JSON."""

    content: bytes
    content_type: str


def _register(scene: Scene) -> Any:
    return {"username": "newcomer", "email": "newcomer@example.org", "password": PASSWORD}


def _login(scene: Scene) -> Any:
    return {"login": scene.owner.username, "password": PASSWORD}


def _refresh(scene: Scene) -> Any:
    return {"refresh": sign_in(scene.owner, client=LAPTOP).tokens.refresh}


def _verification_key(scene: Scene) -> Any:
    scene.owner.email_verified_at = None
    User.objects.filter(pk=scene.owner.pk).update(email_verified_at=None)
    return {"key": keys.verification_key(User.objects.get(pk=scene.owner.pk))}


def _reset_key(scene: Scene) -> Any:
    key = keys.reset_key(User.objects.get(pk=scene.owner.pk))
    return {"key": key, "password": NEW_PASSWORD}


def _reset(scene: Scene) -> Any:
    return {"email": scene.owner.email}


def _change_password(scene: Scene) -> Any:
    return {"current_password": PASSWORD, "password": NEW_PASSWORD}


def _proof(scene: Scene) -> Any:
    return {"password": PASSWORD}


def _factor_code(scene: Scene) -> Any:
    return {"code": code_of(second_factor.begin_setup(user=scene.subject).secret, at=scene.now)}


def _both_factors(scene: Scene) -> Any:
    return {"password": PASSWORD, "code": code_of(turn_factor_on(scene), at=scene.now)}


def _with_factor(scene: Scene) -> None:
    turn_factor_on(scene)


def turn_factor_on(scene: Scene) -> str:
    """As confirming does, but no session ends."""
    secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    SecondFactor.objects.create(user=scene.subject, secret=encrypt(secret), confirmed_at=scene.now)
    return secret


@cache
def _authenticator() -> Authenticator:
    return Authenticator(domain=settings.PASSKEY_DOMAIN, origin=origin())


def _new_passkey(scene: Scene) -> Any:
    options: Any = passkeys.registration_options(user=scene.subject, now=scene.now)
    return {"credential": _authenticator().create(options["challenge"]), "name": "phone"}


def _passkey_answer(scene: Scene) -> Any:
    authenticator = _authenticator()
    Passkey.objects.create(
        user=scene.owner, name="key", credential_id=bytes_to_base64url(authenticator.id),
        public_key=authenticator.public_key, sign_count=0,
    )  # fmt: skip
    options: Any = passkeys.sign_in_options(now=scene.now)
    return {"credential": authenticator.get(options["challenge"])}


def _social_begin(scene: Scene) -> Any:
    return {"redirect_uri": CALLBACK}


def _social_finish(scene: Scene) -> Any:
    question = social_attempts.new_question(CALLBACK)
    secret = social_attempts.keep(
        question, provider=PROVIDER, user=None, session_id=None, now=scene.now
    )
    return {"state": question.state, "code": "code", "secret": secret}


def _social_link(scene: Scene) -> Any:
    """The owner has begun to link a login, in the session in which he calls."""
    claims = read_token(scene.callers["owner"].token, token_type=TokenType.ACCESS)
    question = social_attempts.new_question(CALLBACK)
    secret = social_attempts.keep(
        question, provider=PROVIDER, user=scene.owner, session_id=claims.session_id, now=scene.now
    )
    return {"state": question.state, "code": "code", "secret": secret}


def _reading(scene: Scene) -> Any:
    return {"metric_id": str(make_metric(scene)), "value": 1.5}


def _chat_token(scene: Scene) -> Any:
    access = sign_in(scene.owner).tokens.access
    claims = read_token(access, token_type=TokenType.ACCESS)
    made = issue_token(viewer=viewer_of(scene.owner, claims), rooms=(), now=scene.now)
    return {"token": made.token}


@cache
def _picture() -> Upload:
    return Upload(content=picture(), content_type="image/png")


@cache
def _playlist_file() -> Upload:
    return Upload(content=b"#EXTM3U\nnone.mp3\n", content_type="audio/x-mpegurl")


@cache
def _sound() -> Upload:
    content = encode_multipart(BOUNDARY, {"file": SimpleUploadedFile("dawn.wav", wav(0.1))})
    return Upload(content=content, content_type=MULTIPART_CONTENT)


def _finished_upload(scene: Scene) -> Any:
    row = create_upload(
        user_id=scene.owner.id, size_bytes=1, metadata=Metadata(filename="a.wav"), now=scene.now
    )
    UploadRow.objects.filter(pk=row.pk).update(
        state="finished", offset_bytes=1, finished_at=scene.now
    )
    return {"upload_id": str(row.id)}


def _heard(scene: Scene) -> Any:
    told = {"type": "play_started", "session_id": "visit", "at": scene.now.isoformat()}
    return {"events": [{"id": str(new_id()), "track_id": str(make_track(scene).id), **told}]}


BODIES: Mapping[str, Callable[[Scene], Any]] = {
    "heard": _heard,
    "sound": lambda scene: _sound(),
    "finished upload": _finished_upload,
    "track of a playlist": lambda scene: {"track_id": str(make_track(scene).id)},
    "registration": _register,
    "login": _login,
    "refresh token": _refresh,
    "verification key": _verification_key,
    "reset key": _reset_key,
    "reset": _reset,
    "both passwords": _change_password,
    "password": _proof,
    "factor code": _factor_code,
    "both factors": _both_factors,
    "factor is on": _with_factor,
    "new passkey": _new_passkey,
    "passkey answer": _passkey_answer,
    "social begin": _social_begin,
    "social finish": _social_finish,
    "social link": _social_link,
    "reading": _reading,
    "chat token": _chat_token,
    "playlist file": lambda scene: _playlist_file(),
    "picture": lambda scene: _picture(),
}
