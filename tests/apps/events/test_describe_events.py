from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "docs" / "api" / "events.md"
    path.parent.mkdir(parents=True)
    with override_settings(BASE_DIR=tmp_path):
        yield path


def test_the_page_holds_each_fact_with_its_rooms_schema_and_example(page: Path) -> None:
    call_command("describe_events")
    text = page.read_text()
    assert "| [`thing.changed`](#thingchanged1) | 1 | `thing:{id}`, `user:{id}`, `public` |" in text
    assert "## thing.changed@1" in text
    assert '{\n  "step": 1\n}' in text
    assert '"https://json-schema.org/draft/2020-12/schema"' in text


def test_the_check_fails_until_the_page_is_current(page: Path) -> None:
    with pytest.raises(CommandError, match="make docs"):
        call_command("describe_events", check=True)
    call_command("describe_events")
    call_command("describe_events", check=True)
    page.write_text(page.read_text() + "by hand")
    with pytest.raises(CommandError, match="make docs"):
        call_command("describe_events", check=True)
