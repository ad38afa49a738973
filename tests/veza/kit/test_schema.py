"""What the OpenAPI document says of the shared rules, for the views of urls.py."""

from collections.abc import Iterator
from typing import Any

import pytest
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from openapi_spec_validator import validate

METHODS = ("get", "post", "patch")


@pytest.fixture(scope="module")
def document() -> Any:
    generator: Any = SchemaGenerator(  # type: ignore[no-untyped-call]
        urlconf="tests.veza.kit.urls", api_version="1"
    )
    return generator.get_schema(request=None, public=True)


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def names(operation: Any) -> set[str]:
    return {parameter["name"] for parameter in operation.get("parameters", [])}


class TestDocument:
    def test_is_valid_and_made_without_warnings(self, document: Any) -> None:
        validate(document)
        assert not GENERATOR_STATS

    def test_describes_each_failure_as_a_problem(self, document: Any) -> None:
        problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        for path, method, operation in operations(document):
            is_counted = "internal" not in path
            statuses = set(operation["responses"])
            assert {"400", "406", "500", "503"} <= statuses, (path, method)
            assert ("429" in statuses) is is_counted
            for status, response in operation["responses"].items():
                headers = str(response["headers"])
                assert ("#/components/headers/X-RateLimit-Limit" in headers) is is_counted
                if status >= "400":
                    assert response["content"] == problem
        assert "errors" in document["components"]["schemas"]["Problem"]["properties"]

    def test_names_the_failures_that_can_happen(self, document: Any) -> None:
        paths = document["paths"]
        assert {"413", "415"} <= set(paths["/api/v1/people"]["post"]["responses"])
        assert "404" in paths["/api/v1/failing/{kind}"]["get"]["responses"]
        assert "404" not in paths["/api/v1/people"]["post"]["responses"]
        assert "413" not in paths["/api/v1/who"]["get"]["responses"]
        protected = paths["/api/v1/protected"]["get"]["responses"]
        assert {"401", "403"} <= set(protected)
        assert "WWW-Authenticate" in protected["401"]["headers"]

    def test_shows_keys_and_conditions_where_they_count(self, document: Any) -> None:
        paths = document["paths"]
        create = paths["/api/v1/intervals"]["post"]
        assert "Idempotency-Key" in names(create)
        assert {"409", "422"} <= set(create["responses"])
        read, write = paths["/api/v1/document"]["get"], paths["/api/v1/document"]["patch"]
        assert "If-None-Match" in names(read)
        assert "304" in read["responses"]
        assert "If-Match" in names(write)
        assert "412" in write["responses"]
        assert not names(paths["/api/v1/people"]["post"])

    def test_describes_lists(self, document: Any) -> None:
        operation = document["paths"]["/api/v1/tasks"]["get"]
        assert names(operation) == {"cursor", "limit", "ordering"}
        reference = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
        page = document["components"]["schemas"][reference.rpartition("/")[2]]
        assert set(page["properties"]) == {"results", "next", "previous"}
