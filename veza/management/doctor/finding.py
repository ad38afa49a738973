"""What a look at one thing found."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "fault", "off"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """`detail` says how it is; `mend`, one sentence, what to do about it."""

    state: State
    detail: str = ""
    mend: str = ""


def ok(detail: str = "") -> Finding:
    return Finding(state="ok", detail=detail)


def off(detail: str) -> Finding:
    """Not there, and not needed."""
    return Finding(state="off", detail=detail)


def warning(detail: str, *, mend: str) -> Finding:
    """It works, and will not for long, or not for many."""
    return Finding(state="warning", detail=detail, mend=mend)


def fault(detail: str, *, mend: str) -> Finding:
    """Something does not work, or is not safe."""
    return Finding(state="fault", detail=detail, mend=mend)
