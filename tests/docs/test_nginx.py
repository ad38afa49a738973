"""nginx's own errors look like those of the application, and its configuration is valid."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from veza.config import ROOT
from veza.kit.problems import problem_document

NGINX = ROOT / "deploy" / "nginx"
PROBLEM = re.compile(r"^    /_problem/(\d+) '(.*)';$", re.MULTILINE)
RETURN = re.compile(r"location = /_problem/(\d+) \{ internal; return (\d+) \$veza_document; \}")
PROBLEMS = dict(PROBLEM.findall((NGINX / "maps.conf").read_text()))
STATUSES = dict(RETURN.findall((NGINX / "problems.conf").read_text()))


@pytest.mark.parametrize("name", PROBLEMS)
def test_problem_has_the_members_of_ours(name: str) -> None:
    members = '"instance":"/a","request_id":"r1","success":false'
    document = json.loads(f"{{{PROBLEMS[name]},{members}}}")
    assert document == problem_document(
        status=int(STATUSES[name]),
        code=document["code"],
        detail=document["detail"],
        instance="/a",
        request_id="r1",
    )


def test_every_error_page_has_its_words() -> None:
    pages = re.findall(r"= /_problem/(\d+);", (NGINX / "problems.conf").read_text())
    assert sorted(pages) == sorted(PROBLEMS) == sorted(STATUSES)


@pytest.mark.needs_nginx
def test_configuration_is_valid(tmp_path: Path) -> None:
    shutil.copytree(NGINX, tmp_path, dirs_exist_ok=True)
    for name, old, new in (
        ("nginx.conf", "/tmp/nginx", f"{tmp_path}/nginx"),  # noqa: S108 - the text of the file
        ("upstreams.conf", "server api:", "server 127.0.0.1:"),
        ("upstreams.conf", "server web:", "server 127.0.0.1:"),
    ):
        text = (tmp_path / name).read_text()
        assert old in text
        (tmp_path / name).write_text(text.replace(old, new))
    result = subprocess.run(
        [os.environ["NGINX_BINARY"], "-t", "-q", "-c", str(tmp_path / "nginx.conf")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")
