"""Decisions about accounts: no database, no network, no clock."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from string import digits, punctuation

LONGEST_SESSION = timedelta(days=365)
OWN_LETTERS_MIN = 8
PADDING_MAX = 6
OTP_TRIES = 5
OTP_LOCK = timedelta(minutes=5)
OTP_LONGEST_LOCK = timedelta(days=1)
STEP_UP_LASTS = timedelta(minutes=10)


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
    data = (text.encode("utf-8", "surrogateescape") for text in texts)
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
