"""Walls inside the code of apps, read from its syntax. Each returns what breaks them."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

BANNED_NAMES = {
    "GenericForeignKey": "use a table for each thing",
    "ModelViewSet": "use GenericViewSet with explicit methods",
    "get_model": "import the model, or ask the app's selectors",
}
SIGNALS = re.compile(r"\bsignals\b|\bdjango\.dispatch\b")
WRITING = {"create", "update", "save"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def banned_names(root: Path) -> list[str]:
    """Any mention of a name that the house does without."""
    return _in_apps(root, _banned_names)


def _banned_names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        for name in _mentioned(node):
            if name in BANNED_NAMES:
                yield getattr(node, "lineno", 1), f"{name}: {BANNED_NAMES[name]}"


def _mentioned(node: ast.AST) -> list[str]:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return [name]
        case ast.ImportFrom(names=aliases) | ast.Import(names=aliases):
            return [alias.name.rpartition(".")[2] for alias in aliases]
    return []


def signals(root: Path) -> list[str]:
    """Signals sent or received: facts are the only news between apps."""
    return _in_apps(root, _signals)


def _signals(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            prefix = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            for alias in node.names:
                if SIGNALS.search(f"{prefix}{alias.name}"):
                    yield node.lineno, f"{prefix}{alias.name}: publish a fact instead"


def meta_ordering(root: Path) -> list[str]:
    """Meta.ordering sorts every query in secret; a list says its order itself."""
    return _in_apps(root, _meta_ordering)


def _meta_ordering(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name == "Meta":
            for line in node.body:
                if "ordering" in _assigned(line):
                    yield line.lineno, "Meta.ordering: order where the list is made"


def _assigned(line: ast.stmt) -> set[str]:
    match line:
        case ast.Assign(targets=targets):
            return {target.id for target in targets if isinstance(target, ast.Name)}
        case ast.AnnAssign(target=ast.Name(id=name)):
            return {name}
    return set()


def late_imports(root: Path) -> list[str]:
    """Imports inside functions hide cycles. Django's `AppConfig.ready` cannot do without."""
    return _in_apps(root, _late_imports, skip="apps.py")


def _late_imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for function in ast.walk(tree):
        if isinstance(function, Function):
            for node in ast.walk(function):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    yield node.lineno, f"import inside {function.name}: move it to the top"


def writing_serializers(root: Path) -> list[str]:
    """Serializers describe; services write."""
    return _in_apps(root, _writing_serializers)


def _writing_serializers(tree: ast.Module) -> Iterator[tuple[int, str]]:
    known = {"Serializer"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and _is_serializer(node, known):
            known.add(node.name)
            for method in node.body:
                if isinstance(method, Function) and method.name in WRITING:
                    yield method.lineno, f"{node.name}.{method.name}: call a service in the view"


def _is_serializer(node: ast.ClassDef, known: set[str]) -> bool:
    bases = [name for base in node.bases for name in _mentioned(base)]
    return any(base in known or base.endswith(("Serializer", "Input", "Output")) for base in bases)


def _in_apps(
    root: Path, wall: Callable[[ast.Module], Iterator[tuple[int, str]]], *, skip: str = ""
) -> list[str]:
    return sorted(
        {
            f"{path.relative_to(root)}:{line}: {fault}"
            for path in (root / "apps").rglob("*.py")
            if path.name != skip
            for line, fault in wall(ast.parse(path.read_bytes()))
        }
    )
