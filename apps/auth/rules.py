"""Decisions about accounts: no database, no network, no clock."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from string import digits, punctuation
from unicodedata import normalize

from apps.auth.types import Picture, PictureKind

LONGEST_SESSION = timedelta(days=365)
OWN_LETTERS_MIN = 8
PADDING_MAX = 6
OTP_TRIES = 5
OTP_LOCK = timedelta(minutes=5)
OTP_LONGEST_LOCK = timedelta(days=1)
STEP_UP_LASTS = timedelta(minutes=10)
NAME_MIN, NAME_MAX = 3, 40  # of a user name that is made, with room for a number behind it


def session_expiry(*, created_at: datetime, now: datetime, refresh_ttl_s: int) -> datetime:
    """A session ends after `refresh_ttl_s` without use, and after a year in any case."""
    return min(now + timedelta(seconds=refresh_ttl_s), created_at + LONGEST_SESSION)


def user_agent_hash(user_agent: str) -> str:
    """By what a client is known again."""
    return sha256(user_agent.encode("utf-8", "surrogateescape")).hexdigest()


def is_same_try(
    *, used_at: datetime, used_by: str, user_agent: str, now: datetime, grace_s: int
) -> bool:
    """Whether an old refresh token comes from the client that used it, and soon enough: its answer
    was lost, or two of its tabs refreshed at once.
    """
    soon = grace_s > 0 and now - used_at <= timedelta(seconds=grace_s)
    return soon and used_by == user_agent_hash(user_agent)


def is_made_of(password: str, words: Iterable[str]) -> bool:
    """Whether too little of the password is left without the words that anyone would try first."""
    rest = password.casefold()
    for word in words:
        if word:
            rest = rest.replace(word.casefold(), "")
    return len(rest) < OWN_LETTERS_MIN


def plain_forms(password: str) -> Iterator[str]:
    """What a password was made longer from: its half when said twice, its core when padded."""
    half = len(password) // 2
    if password[:half] == password[half:]:
        yield password[:half]
    core = password.strip(digits + punctuation)
    if core and len(password) - len(core) <= PADDING_MAX:
        yield core


def origin_hash(*, salt: str, ip: str, user_agent: str) -> str:
    """What an audit entry keeps of its origin: enough to prove it, nothing to guess it from."""
    return sha256(netstrings((salt, ip, user_agent))).hexdigest()


def seal_hash(*, before: str, position: int, entry: Iterable[str]) -> str:
    """The hash of an audit entry in the chain; `entry` are its columns as text.

    The function `accounts_audit_seal` of the database makes the same.
    """
    return sha256(netstrings((before, str(position), *entry))).hexdigest()


def netstrings(texts: Iterable[str]) -> bytes:
    """Texts one after the other so that no two sequences give the same bytes (D. J. Bernstein,
    "Netstrings", 1997).
    """
    return netstring_bytes(text.encode("utf-8", "surrogateescape") for text in texts)


def netstring_bytes(data: Iterable[bytes]) -> bytes:
    """The same of what is no text."""
    return b"".join(b"%d:%b," % (len(each), each) for each in data)


def otp_lock(failures: int) -> timedelta | None:
    """How long codes are refused after so many wrong ones in a row: from the fifth on, twice as
    long each time. One code in a million is right, and three are good at once.
    """
    if failures < OTP_TRIES:
        return None
    doublings = min(failures - OTP_TRIES, 16)
    return min(OTP_LOCK * (1 << doublings), OTP_LONGEST_LOCK)


def is_stepped_up(*, stepped_up_at: datetime | None, now: datetime) -> bool:
    """Whether the proof is young enough for dangerous actions."""
    return stepped_up_at is not None and now - stepped_up_at <= STEP_UP_LASTS


def plain_code(code: str) -> str:
    """A code as it is compared: without the blanks and dashes that make it readable."""
    return code.replace(" ", "").replace("-", "").lower()


def username_from(*told: str) -> str:
    """A user name out of the first text that has enough of one: what a provider calls a person,
    or an e-mail address without its domain.
    """
    for text in told:
        plain = normalize("NFKD", text.partition("@")[0]).encode("ascii", "ignore").decode()
        name = re.sub(r"[^A-Za-z0-9_.-]+", "-", plain).strip("-.")[:NAME_MAX]
        if len(name) >= NAME_MIN:
            return name
    return "user"


PICTURES: Mapping[PictureKind, Picture] = {
    PictureKind.AVATAR: Picture(
        folder="public/avatars/",
        sizes={"64": (64, 64), "256": (256, 256), "512": (512, 512)},
        usual="256",
    ),
    PictureKind.BANNER: Picture(
        folder="public/banners/",
        sizes={"600": (600, 200), "1500": (1500, 500)},
        usual="1500",
    ),
}


def picture_prefix(picture: Picture, *, upload_id: str, drawn: Iterable[bytes]) -> str:
    """Where the sizes of an upload lie. It names their content, and no two uploads share one: what
    one person removes is never another's.
    """
    return f"{picture.folder}{upload_id}-{sha256(netstring_bytes(drawn)).hexdigest()[:32]}"


def picture_key(prefix: str, size: str) -> str:
    """The key of one size."""
    return f"{prefix}/{size}.webp"
