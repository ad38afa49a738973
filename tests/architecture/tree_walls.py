"""Walls that show in names, sizes and plain text. Each returns what stands on the wrong side."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 40
CODE = ("manage.py", "veza", "apps", "tests", "deploy")

TOP_FOLDERS = {"veza", "apps", "migrations", "tests", "deploy", "docs"}
TOP_FILES = {
    "manage.py", "pyproject.toml", "mkdocs.yml", "Makefile", "LICENSE", "NOTICE",
    "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md",
}  # fmt: skip

NOUNS = {
    "types", "errors", "events", "rules", "models", "selectors", "services", "tasks", "handlers",
    "realtime", "graphql", "admin",
}  # fmt: skip
API = {"serializers", "views", "urls", "filters", "internal", "authentication", "permissions"}
NAMES = {".": NOUNS | {"apps"}, "api": API, "management": {"commands"}}
PLATFORM_APPS = {"events", "realtime"}  # machinery of their own beside the nouns
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "core", "misc", "base"}

LOCKS = ("deploy/requirements/*.txt", "**/package-lock.json", "**/uv.lock", "**/pnpm-lock.yaml")
ADDRESS = re.compile(r"[a-z+]+://|--(extra-)?index-url|--find-links|--trusted-host")
MACHINE_PATH = re.compile(r"(?:^|[\s\"'@=])(?:/[\w.-]+){2,}|[A-Z]:\\|file:")
SKIPPED = {".cache", "node_modules", ".venv", ".veza", "site", "__pycache__"}


def code_files(root: Path) -> Iterator[Path]:
    """All Python of the project but migrations, which are written by Django."""
    for top in CODE:
        place = root / top
        found = [place] if place.is_file() else sorted(place.rglob("*.py"))
        yield from (path for path in found if not SKIPPED & set(path.parts))


def long_files(root: Path) -> list[str]:
    return [
        f"{path.relative_to(root)}: {lines} lines, make it a package of the same name"
        for path in code_files(root)
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MAX_FILE_LINES
    ]


def long_functions(root: Path) -> list[str]:
    return [
        f"{path.relative_to(root)}:{node.lineno}: {node.name} has {lines} lines"
        for path in code_files(root)
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > MAX_FUNCTION_LINES
    ]


def unknown_top_level(tracked: Iterable[str]) -> list[str]:
    """Names at the root that are neither part of the tree nor customary; dotfiles are."""
    first = {path.partition("/")[0]: "/" in path for path in tracked}
    return sorted(
        name
        for name, is_folder in first.items()
        if not name.startswith(".") and name not in (TOP_FOLDERS if is_folder else TOP_FILES)
    )


def unknown_names(root: Path) -> list[str]:
    """Modules of apps outside the fixed vocabulary, and empty words anywhere."""
    inside = [
        str(path.relative_to(root))
        for path in sorted((root / "apps").glob("*/**/*.py"))
        if not _is_known(PurePosixPath(path.relative_to(root / "apps")))
    ]
    empty = [
        str(path.relative_to(root))
        for path in code_files(root)
        if EMPTY_NAMES & {path.stem, *path.relative_to(root).parent.parts}
    ]
    return inside + [name for name in empty if name not in inside]


def _is_known(path: PurePosixPath) -> bool:
    app, *folders, _ = path.parts
    kind = folders.pop(0) if folders else "."
    if kind in NAMES:
        return _fits(path.stem, folders, NAMES[kind]) or (kind, app in PLATFORM_APPS) == (".", True)
    if app in PLATFORM_APPS:
        return len(folders) <= 1  # a package, and in it one for each transport
    return not folders and kind in NOUNS


def _fits(stem: str, folders: list[str], known: set[str]) -> bool:
    """A module of a known name, or any module in a package of that name."""
    return (
        stem in known | {"__init__"} if not folders else len(folders) == 1 and folders[0] in known
    )


def machine_traces(root: Path) -> list[str]:
    """Lines of lock files that name an index, a host or a path of somebody's machine."""
    return [
        f"{path.relative_to(root)}:{number}: {line.strip()}"
        for pattern in LOCKS
        for path in sorted(root.glob(pattern))
        if not SKIPPED & set(path.parts)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if ADDRESS.search(line) or MACHINE_PATH.search(line)
    ]
