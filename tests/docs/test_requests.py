"""The generated requests are current, and do on a running server what the schema says."""

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import override_settings

from tests.apps.realtime.live import Live, installed
from tests.docs.http_file import HttpFile

ROOT = Path(settings.BASE_DIR)
FOLDER = ROOT / "docs" / "examples" / "requests"
FILES = sorted(path.name for path in (FOLDER / "http").glob("*.http"))


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with installed(tmp_path_factory.mktemp("live")) as live:
        yield live


@pytest.fixture(scope="module")
def operations() -> dict[str, dict[str, Any]]:
    schema = yaml.safe_load((ROOT / "docs" / "api" / "openapi.yaml").read_text())
    return {
        operation["operationId"]: operation
        for methods in schema["paths"].values()
        for operation in methods.values()
    }

def test_dump(live, operations, tmp_path):
    for name in FILES:
        shutil.copy(FOLDER / "http" / name, tmp_path)
        (tmp_path / "file.bin").write_bytes(b"no song")
        account = live.web.register()
        f = HttpFile(path=tmp_path / name, variables={"baseUrl": live.web.base_url, "username": account.username, "email": f"{account.username}@example.org"})
        try:
            for n, a in f.send_all():
                print(name, n, a.status_code, a.text[:300] if a.status_code >= 400 else '', str(a.status_code) in operations[n]["responses"])
        except BaseException as e:
            print(name, "EXC", repr(e)[:500])
    assert 0
