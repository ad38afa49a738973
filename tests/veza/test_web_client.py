"""The client at `/`: its files belong to its sources, and its addresses to the server's."""

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client, override_settings

from tests import npm
from veza.config import ROOT, ConfigError, load
from veza.pages.client import ADDRESSES

SOURCES = ROOT / "docs" / "examples" / "web"
BUILT = ROOT / "veza" / "static" / "veza" / "web"
TYPES = "src/api/schema.d.ts"
MOST_BYTES = 250_000
AGAIN = "run `make web` and commit what it writes"
_ADDRESS = re.compile(r'^  \["/([^"/]*)', re.MULTILINE)
_NONCE = re.compile(r'name="csp-nonce" content="([^"]+)"')


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def digests(folder: Path) -> dict[str, str]:
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != "build.json")
    return {str(path.relative_to(folder)): digest(path) for path in found}


class TestFiles:
    def test_were_built_of_these_sources(self):
        made = json.loads((BUILT / "build.json").read_text())
        assert {name: digest(SOURCES / name) for name in made["sources"]} == made["sources"], AGAIN
        code = {str(path.relative_to(SOURCES)) for path in (SOURCES / "src").rglob("*.*")}
        assert code - {TYPES} <= set(made["sources"]), AGAIN
        assert digests(BUILT) == made["files"], AGAIN

    def test_what_a_first_visit_loads_is_small(self):
        page = (BUILT / "index.html").read_text()
        loaded = re.findall(r'(?:src|href)="/static/veza/web/(assets/[^"]+)"', page)
        assert len(loaded) == 2
        sizes = {name: len(gzip.compress((BUILT / name).read_bytes())) for name in loaded}
        assert sum(sizes.values()) < MOST_BYTES, sizes

    def test_are_what_the_sources_make(self, tmp_path: Path):
        """Types of the API included: a change of the OpenAPI file that breaks the client fails."""
        if shutil.which("npm") is None and os.environ.get("CI") != "true":
            pytest.skip("npm is not installed.")
        packages = npm.installed_packages(SOURCES, "tsconfig.json") / "node_modules"
        here = tmp_path / "docs" / "examples" / "web"
        shutil.copytree(SOURCES, here, ignore=shutil.ignore_patterns("node_modules"))
        (here / "node_modules").symlink_to(packages)
        (tmp_path / "docs" / "api").symlink_to(ROOT / "docs" / "api")

        for script in ("types", "build"):
            done = subprocess.run(
                ["npm", "run", script], cwd=here, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stdout + done.stderr
        assert (here / TYPES).read_text() == (SOURCES / TYPES).read_text(), AGAIN
        assert digests(tmp_path / "veza" / "static" / "veza" / "web") == digests(BUILT), AGAIN


class TestPage:
    @pytest.fixture
    def browser(self) -> Client:
        return Client(headers={"accept": "text/html"})

    @pytest.fixture
    def switched_off(self) -> Iterator[None]:
        with override_settings(WEB_CLIENT=False):
            yield

    def test_leads_to_documentation_and_admin_without_scripts_too(self, browser: Client):
        answer = browser.get("/")
        page = answer.content.decode()
        assert all(f'href="{path}"' in page for path in ("/about", "/api/docs", "/admin/"))
        assert answer["Cache-Control"] == "no-cache"
        assert f"'nonce-{_NONCE.findall(page)[0]}'" in answer["Content-Security-Policy"]
        assert "unsafe" not in answer["Content-Security-Policy"]

    def test_each_of_its_addresses_can_be_opened(self, browser: Client):
        shown = set(_ADDRESS.findall((SOURCES / "src" / "app.tsx").read_text())) - {""}
        assert shown == set(ADDRESSES)
        for name in ADDRESSES:
            assert (name, browser.get(f"/{name}").status_code) == (name, 200)
            assert browser.get(f"/{name}/of-one").status_code == 200
        assert browser.get("/tracks/of-one/more").status_code == 404
        assert browser.get("/nowhere").status_code == 404

    def test_a_nonce_is_good_for_one_answer(self, browser: Client):
        first, second = (_NONCE.findall(browser.get("/").content.decode()) for _ in range(2))
        assert first != second

    def test_programs_are_told_the_links_instead(self):
        links = Client(headers={"accept": "application/json"}).get("/").json()["links"]
        assert {"Client", "API documentation", "Administration"} <= {
            each["title"] for each in links
        }

    def test_switched_off_the_links_stand_there(self, switched_off, browser: Client):
        page = browser.get("/").content.decode()
        assert "API documentation" in page
        assert "Listen, upload" not in page
        assert browser.get("/library").status_code == 404

    @pytest.mark.django_db  # the end of an answer looks after connections
    def test_files_named_by_what_they_hold_are_kept_and_the_page_is_not(self, browser: Client):
        asset = next((BUILT / "assets").iterdir()).name
        for path, is_kept in {
            f"/static/veza/web/assets/{asset}": True,
            "/static/veza/icon.svg": False,
        }.items():
            answer = browser.get(path)
            answer.close()
            assert ("immutable" in answer["Cache-Control"]) is is_kept

    def test_another_build_has_a_page(self, tmp_path: Path):
        with pytest.raises(ConfigError, match="holds an index"):
            load({"WEB_CLIENT": str(tmp_path)})
        (tmp_path / "index.html").write_text("<!doctype html>")
        assert load({"WEB_CLIENT": str(tmp_path)}).web_client == str(tmp_path)
