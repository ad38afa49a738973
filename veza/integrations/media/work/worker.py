"""One job: give up what is not needed, do it, tell how it ended."""

import base64
import json
import os
import sys
import time
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

from veza.integrations.media.port import MediaInvalidError
from veza.integrations.media.work.limits import limit
from veza.integrations.media.work.sandbox import close_doors
from veza.integrations.media.work.source import Terms
from veza.kit.errors import StorageFullError

PROGRESS_S = 0.2
# Only one of them needs numpy, so each is loaded when it is asked for.
JOBS = {"probe": "facts", "artwork": "facts", "analyse": "analysis", "transcode": "hls"}


def obey(order: dict[str, Any]) -> None:
    """Raises nothing that is a fault of the file; dies of others, which the parent explains."""
    limit(order)
    job = order["job"]
    work = getattr(import_module(f"veza.integrations.media.work.{JOBS[job]}"), job)
    arguments = order["arguments"]
    if "folder" in arguments:
        arguments["folder"] = Path(arguments["folder"])
    terms = Terms(max_duration_s=order["max_duration_s"], progress=_Reporter())
    close_doors(writable=arguments.get("folder"), readable=_code())
    _say({"ready": True})
    with os.fdopen(order["file"], "rb") as file:
        try:
            result = work(file, terms, **arguments)
        except MediaInvalidError as refusal:
            _say({"refused": refusal.code, "detail": str(refusal)})
        except StorageFullError:
            _say({"refused": StorageFullError.code})
        except MemoryError:
            _say({"refused": "corrupt", "detail": "The file needs more memory than it may use."})
        else:
            _say({"result": result})


def _code() -> set[Path]:
    """Where modules are that load others when they first need them."""
    modules = [sys.modules.get(name) for name in ("os", "av", "numpy", __package__)]
    files = [module.__file__ for module in modules if module]
    return {Path(file).resolve().parent for file in files if file}


class _Reporter:
    """Tells progress that grows, a few times a second."""

    def __init__(self) -> None:
        self._told, self._told_at = 0.0, 0.0

    def __call__(self, fraction: float) -> None:
        now = time.monotonic()
        if fraction > self._told and now - self._told_at >= PROGRESS_S:
            self._told, self._told_at = fraction, now
            _say({"progress": fraction})


def _say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line, default=_plain) + "\n")
    sys.stdout.flush()


def _plain(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else asdict(value)
