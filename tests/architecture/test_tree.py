"""Sizes, names and lock files."""

import subprocess
from pathlib import Path

import pytest
from django.conf import settings

from deploy.services.clamd import EICAR
from tests.architecture import tree_walls

ROOT = Path(settings.BASE_DIR)


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    """What git knows, or would take in."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip("this copy is not a git repository")
    return done.stdout.splitlines()


def put(root: Path, name: str, text: str = "") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


class TestSizes:
    """The list of exceptions is empty, and stays so."""

    def test_files_have_at_most_400_lines(self):
        assert tree_walls.long_files(ROOT) == []

    def test_functions_have_at_most_40_lines(self):
        assert tree_walls.long_functions(ROOT) == []

    def test_a_file_of_401_lines_is_seen(self, tmp_path):
        put(tmp_path, "apps/track/services.py", "x = 1\n" * 400)
        put(tmp_path, "apps/track/selectors.py", "x = 1\n" * 401)

        assert tree_walls.long_files(tmp_path) == [
            "apps/track/selectors.py: 401 lines, make it a package of the same name"
        ]

    def test_a_function_of_41_lines_is_seen(self, tmp_path):
        for name, lines in (("short", 39), ("long", 40)):
            body = "    x = 1\n" * lines
            put(tmp_path, f"veza/{name}.py", f"class Kind:\n  async def {name}(self):\n{body}")

        assert tree_walls.long_functions(tmp_path) == ["veza/long.py:2: long has 41 lines"]


class TestTopLevel:
    def test_is_the_fixed_one(self, tracked):
        assert tree_walls.unknown_top_level(tracked) == []

    def test_a_stray_name_is_seen(self):
        stray = ["manage.py", ".ci/run", "docs/index.md", "scripts/fix.py", "notes.md", "docs.md"]

        assert tree_walls.unknown_top_level(stray) == ["docs.md", "notes.md", "scripts"]

    def test_the_folder_for_automation_holds_one_file(self, tracked):
        assert {name for name in tracked if name.startswith(".ci/")} <= {".ci/run"}


class TestNames:
    def test_modules_keep_to_the_vocabulary(self):
        assert tree_walls.unknown_names(ROOT) == []

    @pytest.mark.parametrize(
        "name",
        [
            "apps/track/services.py", "apps/track/services/uploads.py", "apps/track/api/views.py",
            "apps/track/api/serializers/uploads.py", "apps/track/management/commands/rescan.py",
            "apps/events/relay.py",
        ],
    )  # fmt: skip
    def test_a_known_name_passes(self, tmp_path, name):
        put(tmp_path, name)

        assert tree_walls.unknown_names(tmp_path) == []

    @pytest.mark.parametrize(
        "name",
        [
            "apps/track/repository.py", "apps/track/manager/uploads.py", "apps/track/api/dto.py",
            "apps/track/services/uploads/deep.py", "apps/track/services/utils.py",
            "apps/track/management/rescan.py", "apps/events/helpers.py", "veza/kit/common.py",
            "veza/core/thing.py", "tests/utils.py", "deploy/misc.py",
        ],
    )  # fmt: skip
    def test_an_unknown_or_empty_name_is_seen(self, tmp_path, name):
        put(tmp_path, name)

        assert tree_walls.unknown_names(tmp_path) == [name]


class TestLockFiles:
    def test_name_no_host_and_no_path(self):
        assert tree_walls.machine_traces(ROOT) == []

    def test_are_where_they_are_looked_for(self):
        assert list(ROOT.glob(tree_walls.LOCKS[0])) != []

    @pytest.mark.parametrize(
        "line",
        [
            "--index-url https://mirror.example/simple",
            "--find-links wheels",
            "django @ https://mirror.example/django.whl",
            "veza @ file:///srv/veza",
            "-e /home/somebody/veza",
            "    # via -r /builds/veza/requirements.in",
        ],
    )
    def test_a_host_or_a_path_is_seen(self, tmp_path, line):
        known = "# via -c deploy/requirements/runtime.txt\ndjango==5.2.19 \\\n    --hash=sha256:ab"
        put(tmp_path, "deploy/requirements/dev.txt", f"{known}\n{line}\n")

        assert tree_walls.machine_traces(tmp_path) == [
            f"deploy/requirements/dev.txt:4: {line.strip()}"
        ]


def test_no_file_is_taken_for_a_virus(tracked):
    infected = [
        name for name in tracked if (path := ROOT / name).is_file() and EICAR in path.read_bytes()
    ]

    assert infected == []
