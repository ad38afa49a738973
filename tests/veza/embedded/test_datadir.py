import json
import os
import subprocess
import sys

import pytest

from tests.patience import PATIENCE_S
from veza.embedded import datadir, processes, state
from veza.embedded.errors import EmbeddedError


class TestHold:
    def test_names_the_process_that_holds_the_directory(self, tmp_path):
        with (
            datadir.hold(tmp_path),
            pytest.raises(EmbeddedError, match=f"process {os.getpid()}"),
            datadir.hold(tmp_path),
        ):
            pass

    def test_gives_the_same_mark_each_time(self, tmp_path):
        with datadir.hold(tmp_path) as first:
            pass
        with datadir.hold(tmp_path) as second:
            assert second == first

    def test_refuses_what_a_newer_version_wrote(self, tmp_path):
        (tmp_path / "layout.json").write_text('{"layout": 2, "mark": "x", "new": []}')
        with pytest.raises(EmbeddedError, match=r"newer Veza \(layout 2"), datadir.hold(tmp_path):
            pass

    @pytest.mark.parametrize("text", ["", "[]", '{"layout": "1"}', "\0"])
    def test_refuses_a_damaged_layout(self, tmp_path, text):
        (tmp_path / "layout.json").write_text(text)
        with pytest.raises(EmbeddedError, match="damaged"), datadir.hold(tmp_path):
            pass

    def test_refuses_a_place_that_is_no_directory(self, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(EmbeddedError, match="VEZA_DATA_DIR"), datadir.hold(tmp_path / "file"):
            pass

    def test_refuses_a_disk_that_is_nearly_full(self, tmp_path, monkeypatch):
        monkeypatch.setattr(datadir, "LEAST_FREE_BYTES_AT_FIRST", 2**60)
        with pytest.raises(EmbeddedError, match="is full: free some"), datadir.hold(tmp_path):
            pass

    def test_ends_what_an_earlier_supervisor_left_and_nothing_else(self, tmp_path):
        with datadir.hold(tmp_path) as mark:
            pass
        ours, marked, foreign, stranger = (_sleeper(), _sleeper(mark), _sleeper(), _sleeper("x"))
        try:
            born = processes.birth(ours.pid)
            state.write_processes(
                tmp_path,
                [
                    {"name": "web", "pid": ours.pid, "port": 1, "born": born},
                    {"name": "beat", "pid": foreign.pid, "port": None, "born": f"{born}9"},
                    {"name": "relay", "pid": stranger.pid, "port": None},
                ],
            )
            with datadir.hold(tmp_path):
                assert ours.wait(timeout=PATIENCE_S) == -15
                if sys.platform.startswith("linux"):
                    assert marked.wait(timeout=PATIENCE_S) == -15
            assert foreign.poll() is None
            assert stranger.poll() is None
        finally:
            for process in (ours, marked, foreign, stranger):
                process.kill()
                process.wait()


def _sleeper(mark: str = "") -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sleep", "60"], env={"PATH": os.defpath, processes.MARK: mark})


class TestProcesses:
    def test_are_none_when_the_file_is_damaged(self, tmp_path):
        for text in ("", "{}", "[1]", json.dumps([{"name": "web"}])):
            (tmp_path / "processes.json").write_text(text)
            assert state.read_processes(tmp_path) == []
