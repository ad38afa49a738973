"""What a supervised process is: how it is started, known to be ready, and stopped."""

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from veza.embedded.accounts import Account, as_we_are


def _at_once() -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class Service:
    """One long-lived process. `needs` must be ready before it is started.

    `stops_by` is the part of the shutdown's time after which it is killed; services are stopped
    in the order of it. Of `stop_signals` the second is sent when the first has not helped.
    """

    name: str
    argv: tuple[str, ...]
    log: Path
    env: Mapping[str, str]
    port: int | None = None
    needs: tuple[str, ...] = ()
    is_ready: Callable[[], bool] = _at_once
    stops_by: float = 1.0
    stop_signals: tuple[signal.Signals, ...] = (signal.SIGTERM,)
    account: Account = field(default_factory=as_we_are)
    before_start: Callable[[], None] | None = None
