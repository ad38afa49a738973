"""django-eventstream on uvicorn, in an environment of its own (eventstream_app.py)."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from deploy.load.bench.processes import running
from deploy.load.bench.target import CACHE, MESSAGE, ROOT, Options, Place, Server, succeed
from veza.embedded.ports import free_port

_VERSIONS = ("django-eventstream==5.3.4", "django==5.2.19", "uvicorn[standard]==0.54.0")
_DIRECTORY = CACHE / "eventstream"
_PYTHON = _DIRECTORY / "bin" / "python"
_APP = ROOT / "deploy" / "load" / "peers" / "eventstream_app.py"
_OPTIONS: Options = {
    "stream": "sse",
    "path": "/rooms/{room}",
    "publish": "post",
    "publish_path": "/publish",
    "message": MESSAGE,
    "marker": '"seq": ',
}


def prepare(place: Place) -> None:
    """Make the environment once."""
    installed = _DIRECTORY / "installed"
    if installed.exists() and installed.read_text() == " ".join(_VERSIONS):
        return
    steps = {
        "python -m venv": [sys.executable, "-m", "venv", str(_DIRECTORY)],
        "pip install": [str(_PYTHON), "-m", "pip", "install", "--quiet", *_VERSIONS],
    }
    for what, argv in steps.items():
        succeed(argv, cwd=ROOT, env=place.environ, what=what)
    installed.write_text(" ".join(_VERSIONS))


@contextmanager
def serve(place: Place) -> Iterator[Server]:
    port = free_port()
    argv = place.pinned([str(_PYTHON), str(_APP), str(port)])
    environ = {name: value for name, value in place.environ.items() if name != "PYTHONPATH"}
    with running(argv, port=port, cwd=_DIRECTORY, env=environ, name="eventstream") as pid:
        yield Server(pid=pid, port=port, options=_OPTIONS)
