"""The documentation builds without warnings, and loads nothing from elsewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from veza.config import ROOT

LOADS = re.compile(
    r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["'](?:https?:)?//[^"']*"""
    r"""|<link\b[^>]*\brel=["']?(?:stylesheet|preconnect|icon|preload)\b[^>]*href=["']?(?:https?:)?//"""
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site")
    # Not --quiet: with it mkdocs forgets that --strict makes warnings errors.
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(target)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return target


def test_front_page_shows_the_picture(site: Path) -> None:
    assert 'src="images/overview.svg"' in (site / "index.html").read_text()
    assert (site / "images" / "overview.svg").is_file()


def test_no_page_loads_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 20
    loaded = {str(page.relative_to(site)): LOADS.findall(page.read_text()) for page in pages}
    assert {page: found for page, found in loaded.items() if found} == {}


def test_every_decision_is_listed() -> None:
    index = (ROOT / "docs" / "adr" / "index.md").read_text()
    records = {path.name for path in (ROOT / "docs" / "adr").glob("0*.md")}
    assert set(re.findall(r"\((0\d+[\w-]*\.md)\)", index)) == records


def test_links_of_the_root_files_lead_somewhere() -> None:
    for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"):
        text = (ROOT / name).read_text()
        targets = re.findall(r"\]\(([^)#]+)[^)]*\)", text)
        missing = [t for t in targets if not t.startswith("http") and not (ROOT / t).exists()]
        assert (name, missing) == (name, [])


def test_paths_that_the_documents_name_exist() -> None:
    named = re.compile(r"`((?:veza|apps|tests|deploy|docs|migrations)/[\w./-]+)`")
    for path in [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]:
        missing = [name for name in named.findall(path.read_text()) if not (ROOT / name).exists()]
        assert (path.name, missing) == (path.name, [])


def test_make_targets_that_the_documents_name_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for path in [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]:
        used = set(re.findall(r"(?:^|`)make ([a-z-]+)", path.read_text(), re.MULTILINE))
        assert (path.name, used - targets) == (path.name, set())
