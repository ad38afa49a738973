"""nginx as we ship it, or with a configuration of the test's own, on a free port."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from deploy.services.nginx import configure
from tests.veza.asgi.wire import until
from veza.embedded.ports import free_port


@contextmanager
def shipped(folder: Path, *, web_port: int, storage: Path) -> Iterator[str]:
    """The configuration of deploy/nginx with the addresses of this test; its base URL."""
    port = free_port()
    configure(folder, port=port, web_port=web_port, storage=storage)
    with running(folder, port=port):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def running(folder: Path, *, port: int) -> Iterator[None]:
    """nginx with the nginx.conf of this folder. Its workers may read what the tests write."""
    argv = [
        os.environ["NGINX_BINARY"], "-e", str(folder / "error.log"), "-c",
        str(folder / "nginx.conf"), "-g", "daemon off;" + (" user root;" * (os.getuid() == 0)),
    ]  # fmt: skip
    started = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: started.poll() is not None or _answers(port), timeout_s=20)
        assert started.poll() is None, (folder / "error.log").read_text()
        yield
    finally:
        started.terminate()
        started.wait()


def _answers(port: int) -> bool:
    try:
        httpx.get(f"http://127.0.0.1:{port}/_no_such_thing")
    except httpx.TransportError:
        return False
    return True
