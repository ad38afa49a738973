"""Walls between tables: foreign keys go down the stack of apps, and nothing leads back up."""

import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from django.db.models import ForeignKey, ManyToManyField, Model

Depths = dict[str, int]
Relation = ForeignKey | ManyToManyField


def layers(root: Path) -> Depths:
    """How deep each app lies, as import-linter's contract says; the top is 0."""
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    stack = next(contract["layers"] for contract in contracts if contract["id"] == "app-layers")
    return {name: depth for depth, layer in enumerate(stack) for name in layer.split(" | ")}


def homeless_apps(root: Path) -> list[str]:
    """Apps without a layer or without migrations, and layers or migrations without an app."""
    apps = {path.parent.name for path in (root / "apps").glob("*/apps.py")}
    migrations = {path.parent.name for path in (root / "migrations").glob("*/__init__.py")}
    depths = set(layers(root))
    return [
        *(f"{name}: has no layer in pyproject.toml" for name in sorted(apps - depths)),
        *(f"{name}: has a layer and no app" for name in sorted(depths - apps)),
        *(f"{name}: has no package migrations/{name}" for name in sorted(apps - migrations)),
        *(f"migrations/{name}: has no app" for name in sorted(migrations - apps - {"kit"})),
    ]


def rising_relations(models: Iterable[type[Model]], depths: Depths) -> list[str]:
    """Relations to an app that is not below. Unknown labels are other people's apps."""
    return [
        f"{field}: {source} may not point to {target}"
        for field, source, target in _relations(models)
        if source in depths and target in depths
        if source != target and depths[target] <= depths[source]
    ]


def reverse_names(models: Iterable[type[Model]], depths: Depths) -> list[str]:
    """Relations between apps by which the lower app would see the higher one."""
    return [
        f'{field}: set related_name="+"'
        for field, source, target in _relations(models)
        if source in depths and target in depths
        if source != target and not field.remote_field.hidden
    ]


def _relations(models: Iterable[type[Model]]) -> Iterator[tuple[Relation, str, str]]:
    for model in models:
        for field in (*model._meta.local_fields, *model._meta.local_many_to_many):
            if isinstance(field, Relation):
                yield field, model._meta.app_label, field.related_model._meta.app_label
