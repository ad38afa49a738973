"""What nginx as we ship it lets nobody reach, or only who comes from networks that are named."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from deploy.services.nginx import configure
from tests.patience import PATIENCE_S
from tests.veza.serving.own_nginx import running
from veza.embedded.ports import free_port

pytestmark = pytest.mark.needs_nginx

OPEN_TO_ALL = "    default          1;\n"
SPELLINGS = (
    "/{}", "/{}/", "//{}", "/{}?x=1", "/./{}", "/x/../{}", "/static/../{}", "/ws/..//{}", "/{}%2f",
    "/api/v1/uploads/../../../{}", "/api/v1/uploads/%2e%2e/%2e%2e/%2e%2e/{}", "/{}/.",
)  # fmt: skip


@contextmanager
def edge(folder: Path, *, behind: HTTPServer, staff: str = OPEN_TO_ALL) -> Iterator[int]:
    """The port of nginx before a server that answers everything."""
    behind.expect_request(re.compile(".*")).respond_with_data("reached")
    port = free_port()
    configure(folder, port=port, web_port=behind.port, storage=folder)
    upstreams = folder / "upstreams.conf"
    text = upstreams.read_text()
    assert text.count(OPEN_TO_ALL) == 1
    upstreams.write_text(text.replace(OPEN_TO_ALL, staff))
    with running(folder, port=port):
        behind.clear_log()
        yield port


def ask(port: int, path: str) -> tuple[int, str]:
    """The status and the type of the answer to exactly this address."""
    link = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    link.request("GET", path, headers={"X-Forwarded-For": "198.51.100.7"})
    answer = link.getresponse()
    answer.read()
    link.close()
    return answer.status, str(answer.headers["Content-Type"])


def test_nobody_reaches_what_the_processes_count(tmp_path: Path, httpserver: HTTPServer) -> None:
    with edge(tmp_path, behind=httpserver) as port:
        for spelling in (*SPELLINGS, "/%6d%65trics"):
            path = spelling.format("metrics")
            assert ask(port, path) == (404, "application/problem+json"), path
        assert httpserver.log == []
        for other in ("/api/v1/metrics", "/api/v1/metrics/1", "/"):
            assert ask(port, other)[0] == 200
        assert len(httpserver.log) == 3


def test_everybody_may_sign_in_at_the_admin_as_shipped(
    tmp_path: Path, httpserver: HTTPServer
) -> None:
    with edge(tmp_path, behind=httpserver) as port:
        assert [ask(port, path)[0] for path in ("/admin", "/admin/login/")] == [200, 200]
    assert [request.path for request, _ in httpserver.log] == ["/admin", "/admin/login/"]


def test_the_admin_can_be_kept_from_other_networks(tmp_path: Path, httpserver: HTTPServer) -> None:
    with edge(tmp_path, behind=httpserver, staff="default 0;\n198.51.100.0/24 1;\n") as port:
        for spelling in (*SPELLINGS, "/{}/login/", "/%61dmin/"):
            path = spelling.format("admin")
            assert ask(port, path) == (404, "application/problem+json"), path
        assert httpserver.log == []
        assert ask(port, "/administration")[0] == 200


def test_the_admin_is_reached_from_a_network_that_is_named(
    tmp_path: Path, httpserver: HTTPServer
) -> None:
    with edge(tmp_path, behind=httpserver, staff="default 0;\n127.0.0.0/8 1;\n") as port:
        assert ask(port, "/admin/")[0] == 200
