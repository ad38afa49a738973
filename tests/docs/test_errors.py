"""Every code that a client can be answered with stands in docs/api/errors.md."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from veza.config import ROOT

PAGE = (ROOT / "docs" / "api" / "errors.md").read_text()
TOLD = set(re.findall(r"^\| `([a-z0-9_]+)`", PAGE, re.MULTILINE))
ABSTRACT = {"error"}  # of VezaError itself, which is never raised


def codes_in(path: Path) -> Iterator[str]:
    """What is assigned to `code` in a class, or passed as `code=` in a call."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ClassDef):
            for statement in node.body:
                if isinstance(statement, ast.Assign) and _names_code(statement.targets):
                    yield from _text(statement.value)
        elif isinstance(node, ast.Call):
            for keyword in node.keywords:
                if keyword.arg == "code":
                    yield from _text(keyword.value)


def _names_code(targets: list[ast.expr]) -> bool:
    return any(isinstance(target, ast.Name) and target.id == "code" for target in targets)


def _text(value: ast.expr) -> Iterator[str]:
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value


def codes_in_code() -> dict[str, str]:
    paths = [path for top in ("veza", "apps") for path in (ROOT / top).rglob("*.py")]
    return {
        code: str(path.relative_to(ROOT))
        for path in paths
        if "management" not in path.parts
        for code in codes_in(path)
    }


def test_every_code_is_told() -> None:
    missing = {code: at for code, at in codes_in_code().items() if code not in TOLD | ABSTRACT}
    assert missing == {}


def test_every_code_of_nginx_is_told() -> None:
    maps = (ROOT / "deploy" / "nginx" / "maps.conf").read_text()
    assert set(re.findall(r'"code":"(\w+)"', maps)) - TOLD == set()


def test_no_code_is_told_twice() -> None:
    rows = re.findall(r"^\| `([a-z0-9_]+)`", PAGE, re.MULTILINE)
    assert sorted(rows) == sorted(set(rows))
