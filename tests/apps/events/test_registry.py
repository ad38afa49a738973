from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from apps.events import registry
from apps.events.errors import FactError
from apps.events.types import Fact
from tests.apps.events.rig import ThingChanged


@dataclass(frozen=True, kw_only=True)
class Sample(Fact):
    name: ClassVar[str] = "sample.taken"
    about: ClassVar[str] = "A sample was taken."
    example: ClassVar = {"kind": "a", "size": None}

    sample_id: UUID
    at: datetime
    kind: Literal["a", "b"]
    size: int | None
    tags: tuple[str, ...] = ()


def declared(annotations: dict[str, Any], **members: object) -> type[Fact]:
    """A fact as an app might declare it."""
    members = {"name": "thing.broken", "about": "It broke.", **members}
    return dataclass(frozen=True, kw_only=True)(
        type("ThingBroken", (Fact,), {"__annotations__": annotations, **members})
    )


class TestEveryFact:
    def test_has_a_schema_that_its_example_fits(self) -> None:
        for fact in registry.registered():
            schema = registry.schema_of(fact)
            Draft202012Validator.check_schema(schema)
            checker = Draft202012Validator(
                schema, format_checker=Draft202012Validator.FORMAT_CHECKER
            )
            checker.validate(registry.example_of(fact))


class TestSchemaOf:
    def test_follows_the_types_of_the_fields(self) -> None:
        schema = registry.schema_of(Sample)
        assert schema["title"] == "sample.taken@1"
        assert schema["required"] == ["sample_id", "at", "kind", "size", "tags"]
        assert schema["properties"] == {
            "sample_id": {"type": "string", "format": "uuid"},
            "at": {"type": "string", "format": "date-time"},
            "kind": {"enum": ["a", "b"]},
            "size": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            "tags": {"type": "array", "items": {"type": "string"}},
        }
        Draft202012Validator(schema).validate(registry.example_of(Sample))


class TestRegister:
    def test_a_name_and_version_belong_to_one_fact(self) -> None:
        with pytest.raises(FactError, match=r"thing\.changed@1 is declared by"):
            registry.register(declared({}, name=ThingChanged.name))

    def test_the_next_version_stands_beside_the_old_one(self) -> None:
        following = declared({}, name=ThingChanged.name, version=2)
        with registry.including(following):
            assert {ThingChanged, following} <= set(registry.registered())
        assert following not in registry.registered()

    @pytest.mark.parametrize(
        ("annotations", "members", "message"),
        [
            ({}, {"name": "Thing Broken"}, "give it a name"),
            ({}, {"name": "thing.broken.again"}, "give it a name"),
            ({}, {"about": ""}, "in one sentence"),
            ({}, {"rooms": ("user:7",)}, "write rooms as"),
            ({"version": int}, {}, "set their keys by metadata"),
            ({"owner": dict[str, int]}, {"example": {"owner": {}}}, "field owner: a fact carries"),
            ({"title": str}, {}, r"sample values for \['title'\]"),
        ],
    )
    def test_a_faulty_declaration_is_told_what_to_do(
        self, annotations: dict[str, Any], members: dict[str, object], message: str
    ) -> None:
        with pytest.raises(FactError, match=message):
            registry.register(declared(annotations, **members))
