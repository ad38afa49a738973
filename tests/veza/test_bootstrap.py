"""`python3 deploy/bootstrap.py` in a directory of its own, without a network."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.patience import PATIENCE_S

SCRIPT = Path(__file__).resolve().parents[2] / "deploy" / "bootstrap.py"
NOTHING = "# no packages\n"
UNKNOWN = f"no-such-package==1.0 --hash=sha256:{'0' * 64}\n"


@pytest.fixture
def bootstrap() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bootstrap", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def project(tmp_path: Path) -> Path:
    requirements = tmp_path / "deploy" / "requirements"
    requirements.mkdir(parents=True)
    shutil.copy(SCRIPT, tmp_path / "deploy")
    for name in ("runtime.txt", "dev.txt"):
        (requirements / name).write_text(NOTHING)
    return tmp_path


def started(project: Path, *options: str, path: str = os.defpath) -> subprocess.Popen[str]:
    env = {"PATH": path, "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    return subprocess.Popen(
        [sys.executable, "deploy/bootstrap.py", *options], cwd=project, env=env, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def run(project: Path, *options: str) -> tuple[int, str, str]:
    with started(project, *options) as process:
        printed, complained = process.communicate(timeout=PATIENCE_S)
        return process.returncode, printed, complained


class TestBootstrap:
    def test_makes_the_environment_once_however_many_ask(self, project):
        both = [started(project), started(project, "--dev")]
        printed = [process.communicate(timeout=PATIENCE_S)[0] for process in both]
        assert [process.returncode for process in both] == [0, 0]
        assert "".join(printed).count("Making .venv") == 1
        assert run(project) == (0, "", "")
        assert run(project, "--dev") == (0, "", "")

    def test_begins_again_when_an_installation_was_cut_off(self, project):
        run(project, "--dev")
        (project / ".venv" / ".unfinished").touch()
        (project / ".venv" / ".installed").unlink()
        (project / ".venv" / "half-copied").touch()
        code, printed, _ = run(project)
        assert code == 0
        assert "Making .venv" in printed
        assert not (project / ".venv" / "half-copied").exists()

    def test_makes_the_environment_anew_when_its_python_is_gone(self, project):
        run(project)
        (project / ".venv" / "bin" / "python").unlink()
        assert run(project)[0] == 0
        assert (project / ".venv" / "bin" / "python").exists()

    def test_says_which_package_has_no_wheel(self, project):
        (project / "deploy" / "requirements" / "runtime.txt").write_text(UNKNOWN)
        code, _, complained = run(project)
        assert code == 1
        assert complained.startswith("no-such-package==1.0 has no ready-made package for Python 3.")
        assert complained.count("\n") == 1

    def test_goes_on_with_pip_where_uv_reaches_no_index(self, project, tmp_path):
        uv = tmp_path / "bin" / "uv"
        uv.parent.mkdir()
        uv.write_text('#!/bin/sh\n[ "$1" = --version ]\n')
        uv.chmod(0o755)
        with started(project, "--dev", path=f"{uv.parent}:{os.defpath}") as process:
            _, complained = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, complained) == (0, "")
        assert not (project / ".venv" / ".unfinished").exists()

    def test_explains_itself(self, project):
        code, printed, _ = run(project, "--help")
        assert code == 0
        assert "--dev" in printed


class TestUseNewEnoughPython:
    def test_says_what_to_do_when_there_is_none(self, bootstrap, monkeypatch, tmp_path):
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(bootstrap.SetupError, match=r"needs Python 3.11 or newer .* is 3.9"):
            bootstrap.use_new_enough_python((3, 9))

    def test_is_content_with_a_new_one(self, bootstrap):
        bootstrap.use_new_enough_python((3, 14))


class TestExplain:
    @pytest.mark.parametrize(
        ("printed", "sentence"),
        [
            ("ERROR: [Errno 28] No space left on device", "The disk is full"),
            ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM", "not the file that"),
            ("Retrying: NewConnectionError('Connection refused')", "index cannot be reached"),
            ("ERROR: No matching distribution found for x==1", "x==1 has no ready-made package"),
            ("ERROR: something else\n", "could not be installed: ERROR: something else"),
        ],
    )
    def test_makes_one_sentence_of_what_the_installer_said(self, bootstrap, printed, sentence):
        said = bootstrap.explain(f"Collecting x\n{printed}")
        assert sentence in said
        assert "\n" not in said
