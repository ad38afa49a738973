"""What the page of promises names as proof is there."""

import re
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
PAGE = ROOT / "docs" / "operations" / "promises.md"
TESTS = re.findall(r"`(tests/[^`]+\.py)::(\w+)`", PAGE.read_text(encoding="utf-8"))


def test_there_are_some():
    assert len(TESTS) > 10


@pytest.mark.parametrize(("path", "name"), TESTS)
def test_is_there(path, name):
    assert re.search(rf"^(async )?(def|class) {name}\b", (ROOT / path).read_text(), re.MULTILINE)
