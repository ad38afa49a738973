"""The generated requests are current, and do on a running server what the schema says."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import override_settings

from tests.apps.realtime.live import Account, Live, installed
from tests.docs.http_file import HttpFile

ROOT = Path(settings.BASE_DIR)
FOLDER = ROOT / "docs" / "examples" / "requests"
FILES = sorted(path.stem for path in (FOLDER / "http").glob("*.http"))
WANT_MORE = {
    "auth_register": "the account is there already",
    "auth_2fa_delete": "the schema has no body of a DELETE",
    "auth_email_verify": "the key stands in a mail",
    "auth_passkeys_login": "the credential comes from a device",
    "auth_passkeys_register": "as above",
    "auth_password_reset_confirm": "the key stands in a mail",
    "get_webtransport": "its process does not run here",
    "playlists_artwork_put": "file.bin is no picture",
    "playlists_items_create": "the track is to be there",
    "tracks_versions_create": "the upload is to be one's own",
    "users_me_avatar_put": "file.bin is no picture",
    "users_me_banner_put": "file.bin is no picture",
    "users_me_delete": "the schema has no body of a DELETE",
}
"""What is refused as it stands in the file, and why."""


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


def test_every_call_is_there_once_in_either_form(operations: dict[str, dict[str, Any]]) -> None:
    wanted = {name for name, each in operations.items() if "internal" not in each["tags"]}
    in_files = [name for each in FILES for name in HttpFile(path=file(each)).names()]
    in_bruno = {path.stem for path in (FOLDER / "bruno").glob("*/*.bru")} - {"folder", "local"}

    assert set(in_files) == in_bruno == wanted
    assert len([name for name in in_files if name != "auth_login"]) == len(wanted) - 1


def test_a_stale_and_a_forgotten_file_are_named(tmp_path: Path) -> None:
    with override_settings(BASE_DIR=tmp_path):
        call_command("export_requests", verbosity=0)
        call_command("export_requests", check=True)
        forgotten = tmp_path / "docs" / "examples" / "requests" / "http" / "old.http"
        forgotten.write_text("")
        with pytest.raises(CommandError, match=r"http/old\.http is not current"):
            call_command("export_requests", check=True)
        call_command("export_requests", verbosity=0)
        assert not forgotten.exists()


def test_every_request_is_answered_as_the_schema_says(
    live: Live, operations: dict[str, dict[str, Any]], tmp_path: Path, subtests: pytest.Subtests
) -> None:
    (tmp_path / "file.bin").write_bytes(b"no song")
    refused = set()
    for each in FILES:
        copy = Path(shutil.copy(file(each), tmp_path))
        for name, answer in sent(copy, live.web.register(), live):
            with subtests.test(f"{each}: {name}"):
                assert str(answer.status_code) in operations[name]["responses"], answer.text
                assert answer.status_code not in (405, 406, 413, 415, 429)
                assert answer.status_code < 500 or name in WANT_MORE, answer.text
                if answer.status_code in (400, 401, 503):
                    refused.add(name)
    assert refused - set(WANT_MORE) == set()
    assert set(WANT_MORE) - refused == set(), "these are answered well now: take them off the list"


def test_a_stranger_signs_in_only_after_registering(live: Live) -> None:
    name = f"stranger{live.web.port}"
    person = Account(id="", username=name, access="", refresh="")
    sent_first = dict(sent(file("auth"), person, live, only=2))
    sent_then = dict(sent(file("auth"), person, live, only=1))

    wrong, made = sent_first["auth_login"], sent_first["auth_register"]
    assert (wrong.status_code, wrong.json()["code"]) == (401, "invalid_credentials")
    assert made.json()["user"]["username"] == name
    assert sent_then["auth_login"].json()["user"] == made.json()["user"]


def test_no_file_names_a_machine() -> None:
    hosts = {
        host
        for path in FOLDER.rglob("*.*")
        for host in re.findall(r"://([\w.:-]+)", path.read_text())
    }

    assert hosts <= {"127.0.0.1:8000", "example.org"}


def file(tag: str) -> Path:
    return FOLDER / "http" / f"{tag}.http"


def sent(
    path: Path, account: Account, live: Live, *, only: int = 1000
) -> Iterator[tuple[str, httpx.Response]]:
    """The first requests of a file, sent as this person."""
    variables = {
        "baseUrl": live.web.base_url,
        "username": account.username,
        "email": f"{account.username}@example.org",
    }
    for number, each in enumerate(HttpFile(path=path, variables=variables).send_all(), 1):
        yield each
        if number == only:
            return
