import json

from veza.embedded import logs
from veza.embedded.logs import Log


def entry(**members: str) -> str:
    return json.dumps(members) + "\n"


class TestLog:
    def test_tells_warnings_once_and_nothing_else(self, tmp_path):
        log = Log(tmp_path / "logs" / "web.log")
        log.path.write_text(
            entry(level="info", event="started")
            + "not JSON\n[1]\n"
            + entry(level="warning", event="the broker\nis gone")
        )
        assert log.complaints() == ["the broker is gone"]
        assert log.complaints() == []

    def test_waits_for_the_end_of_a_line(self, tmp_path):
        log = Log(tmp_path / "logs" / "web.log")
        whole = entry(level="error", event="lost")
        log.path.write_text(whole[:10])
        assert log.complaints() == []
        log.path.write_text(whole)
        assert log.complaints() == ["lost"]

    def test_is_silent_about_an_earlier_run(self, tmp_path):
        Log(tmp_path / "logs" / "web.log").path.write_text(entry(level="error", event="old"))
        assert Log(tmp_path / "logs" / "web.log").complaints() == []

    def test_is_bounded_and_keeps_what_came_before(self, tmp_path, monkeypatch):
        monkeypatch.setattr(logs, "LARGEST_BYTES", 10)
        log = Log(tmp_path / "logs" / "web.log")
        with log.path.open("a") as writer:
            writer.write("eleven bytes\n")
            writer.flush()
            log.bound()
            writer.write("next\n")
        assert log.path.read_text() == "next\n"
        assert (tmp_path / "logs" / "web.log.1").read_text() == "eleven bytes\n"
