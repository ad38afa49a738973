"""Import-linter's contracts bite: each one breaks when its wall is broken.

That they are kept by the code as it is, `make imports` says.
"""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")

# contract -> the module that breaks it, one line of it, what is found
BREACHES = {
    "platform": (
        "veza/kit/breach.py",
        "import apps.track",
        "veza.kit.breach -> apps.track",
    ),
    "platform-exhaustive": ("veza/breach.py", "", "veza.breach"),
    "app-layers": (
        "apps/track/selectors.py",
        "import apps.social",
        "apps.track.selectors -> apps.social",
    ),
    "inside-an-app": (
        "apps/social/models.py",
        "import apps.social.services",
        "apps.social.models -> apps.social.services",
    ),
    "inside-realtime": (
        "apps/realtime/follower.py",
        "import apps.realtime.node",
        "apps.realtime.follower -> apps.realtime.node",
    ),
    "pure-hub": ("apps/realtime/hub.py", "import channels", "apps.realtime.hub -> channels"),
    "public-interface": (
        "apps/live/services.py",
        "import apps.track.models",
        "apps.live.services -> apps.track.models",
    ),
    "ports": (
        "apps/live/tasks.py",
        "import veza.integrations.breach.vendor",
        "apps.live.tasks -> veza.integrations.breach.vendor",
    ),
    "sdk": ("apps/live/selectors.py", "import httpx", "apps.live.selectors -> httpx"),
    "settings-are-read-through-django": (
        "apps/live/handlers.py",
        "import veza.config",
        "apps.live.handlers -> veza.config",
    ),
    "pure-rules": ("apps/live/rules.py", "import django", "apps.live.rules -> django"),
}
NEEDED = (
    "apps/social/services.py",
    "apps/track/models.py",
    "veza/integrations/breach/__init__.py",
    "veza/integrations/breach/vendor.py",
)


@pytest.fixture(scope="module")
def contracts() -> dict[str, str]:
    """The name of each contract by its id."""
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    return {entry["id"]: entry["name"] for entry in tools["importlinter"]["contracts"]}


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What is said of each contract in a copy of the project in which every wall is broken."""
    copy = tmp_path_factory.mktemp("breached")
    shutil.copy(ROOT / "pyproject.toml", copy)
    for top in ("apps", "veza"):
        shutil.copytree(ROOT / top, copy / top, ignore=shutil.ignore_patterns("__pycache__"))
    for name in NEEDED:
        _append(copy, name, "")
    for name, line, _ in BREACHES.values():
        _append(copy, name, line)
    done = subprocess.run(
        [LINT_IMPORTS, "--no-cache"], cwd=copy, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    _, _, broken = done.stdout.partition("Broken contracts\n")
    parts = re.split(r"\n\n(.+)\n-+\n\n", broken)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _append(copy: Path, name: str, line: str) -> None:
    """A module that has become a package takes the line in its `__init__`."""
    module = copy / name
    if module.with_suffix("").is_dir():
        module = module.with_suffix("") / "__init__.py"
    module.parent.mkdir(parents=True, exist_ok=True)
    with module.open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")


def test_every_contract_is_tried(contracts):
    assert set(BREACHES) == set(contracts)


@pytest.mark.parametrize("contract", BREACHES)
def test_the_contract_breaks(findings, contracts, contract):
    assert BREACHES[contract][2] in findings.get(contracts[contract], "kept")
