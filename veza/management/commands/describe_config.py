"""Write the configuration's reference page and .env.example from the declarations."""

import json
import types
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le
from django.core.management.base import BaseCommand, CommandError, CommandParser
from pydantic import AfterValidator, SecretStr
from pydantic.fields import FieldInfo

from veza.config import ROOT, Config
from veza.config.kinds import UrlOf

PAGE = Path("docs/operations/configuration.md")
EXAMPLE = Path(".env.example")

PAGE_HEAD = """# Configuration

<!-- Written by `manage.py describe_config` from veza/config/declarations.py: change that file. -->

Every setting is an environment variable. Nothing needs to be set for the embedded default.

* An empty variable counts as unset.
* `NAME_FILE` names a file that holds the value of `NAME`, for secrets that are mounted as files. It
  works for every setting; setting both is an error.
* Names that end in `_S` are whole seconds, those in `_BYTES` bytes.
* All faults are reported at once, and the process does not start.
* **Secret**: is never shown in logs or messages.
* **Required**: production (`VEZA_ENV=production`) does not start without it. Production also
  refuses `SECRET_KEY`, `ENCRYPTION_KEYS`, `INTERNAL_API_SECRET`, `CHAT_TOKEN_SECRET` and
  `METRICS_TOKEN` with fewer than 32 characters or fewer than 10 different ones. The embedded
  default makes the first four of them once and keeps them in `secrets.json` in the data directory.
* **Planned**: the name is reserved and its value is checked, but it steers nothing yet.
"""
EXAMPLE_HEAD = """\
# Every setting, with its default. Written by `manage.py describe_config`; explained in
# docs/operations/configuration.md. Nothing needs to be set for the embedded default.
# No process reads this file by itself: copy it to .env, uncomment what you set, then either
# `set -a; . ./.env; set +a` in a shell, or name it as EnvironmentFile= of a systemd unit.
"""
SIMPLE_TYPES: dict[object, str] = {
    str: "text",
    SecretStr: "text",
    int: "integer",
    bool: "`true` or `false`",
    Path: "path",
    list[str]: "list, comma-separated",
    list[int]: "integers, comma-separated",
}


class Command(BaseCommand):
    """Keeps the written reference equal to the declarations."""

    help = "Write docs/operations/configuration.md and .env.example from the declarations."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing, exit 1 if stale")
        parser.add_argument("--root", type=Path, default=ROOT, help="tree to write into")

    def handle(self, *, check: bool, root: Path, **_: Any) -> None:
        wanted = {root / PAGE: reference_page(), root / EXAMPLE: example_file()}
        stale = [path for path, text in wanted.items() if _read(path) != text]
        if check and stale:
            names = " and ".join(str(path.relative_to(root)) for path in stale)
            raise CommandError(f"{names}: not up to date, run `manage.py describe_config`.")
        for path in stale:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[path], encoding="utf-8")
            self.stdout.write(f"wrote {path.relative_to(root)}")


def reference_page() -> str:
    """The page docs/operations/configuration.md; the same on every machine."""
    lines = [PAGE_HEAD]
    for group, fields in _groups():
        lines.append(f"## {group}\n")
        lines.append("| name | type | default | what it does | notes |")
        lines.append("| --- | --- | --- | --- | --- |")
        lines.extend(_row(name, field) for name, field in fields)
        lines.append("")
    return "\n".join(lines)


def example_file() -> str:
    """The file .env.example: every name, commented out."""
    lines = [EXAMPLE_HEAD]
    for group, fields in _groups():
        lines.append(f"# --- {group}")
        for name, field in fields:
            marks = ", ".join(_marks(field)).replace("required", "required in production")
            lines.append(f"# {field.description}{f' ({marks})' if marks else ''}")
            lines.append(f"#{name.upper()}={_quoted(_default(field))}")
        lines.append("")
    return "\n".join(lines)


def _groups() -> Iterable[tuple[str, list[tuple[str, FieldInfo]]]]:
    groups: dict[str, list[tuple[str, FieldInfo]]] = {}
    for name, field in Config.model_fields.items():
        groups.setdefault(_extra(field)["group"], []).append((name, field))
    return groups.items()


def _extra(field: FieldInfo) -> dict[str, Any]:
    extra = field.json_schema_extra
    return dict(extra) if isinstance(extra, dict) else {}


def _row(name: str, field: FieldInfo) -> str:
    default = _default(field)
    cells = (
        f"`{name.upper()}`",
        _type(field.annotation, field.metadata),
        f"`{default}`" if default else "",
        field.description or "",
        ", ".join(_marks(field)),
    )
    return f"| {' | '.join(cells)} |".replace("  ", " ")


def _marks(field: FieldInfo) -> list[str]:
    _, inner = _without_none(field.annotation)
    marks = {
        "secret": inner is SecretStr,
        "required": _extra(field)["required"],
        "planned": _extra(field)["planned"],
    }
    return [mark for mark, holds in marks.items() if holds]


def _without_none(annotation: Any) -> tuple[list[Any], Any]:
    """The metadata and the type inside `Annotated[type, ...] | None`."""
    if get_origin(annotation) in (Union, types.UnionType):
        annotation = next(arg for arg in get_args(annotation) if arg is not type(None))
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        return metadata, inner
    return [], annotation


def _type(annotation: Any, metadata: list[Any]) -> str:
    more, inner = _without_none(annotation)
    metadata = [*metadata, *more]
    if get_origin(inner) is Literal:
        return " or ".join(f"`{value}`" for value in get_args(inner))
    for mark in metadata:
        if isinstance(mark, AfterValidator) and isinstance(mark.func, UrlOf):
            return f"URL `{str(mark.func).replace(' or ', '` or `')}`"
    low = next((mark.ge for mark in metadata if isinstance(mark, Ge)), None)
    high = next((mark.le for mark in metadata if isinstance(mark, Le)), None)
    return SIMPLE_TYPES[inner] + _range(low, high)


def _range(low: object, high: object) -> str:
    if low is None:
        return ""
    return f", {low} or more" if high is None else f", {low} to {high}"


def _default(field: FieldInfo) -> str:
    value = field.default
    if isinstance(value, Path):
        return str(value.relative_to(ROOT))
    if isinstance(value, list):
        return ",".join(str(part) for part in value)
    if isinstance(value, bool):
        return json.dumps(value)
    return "" if value is None else str(value)


def _quoted(value: str) -> str:
    return f'"{value}"' if " " in value else value


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
