import json
from typing import Any

from veza.kit.context import bind_request_id, current_request_id
from veza.kit.errors import FieldError
from veza.kit.problems import problem_bytes, problem_document


class TestRequestId:
    def test_is_known_inside_only(self) -> None:
        assert current_request_id() == ""
        with bind_request_id("outer"):
            with bind_request_id("inner"):
                assert current_request_id() == "inner"
            assert current_request_id() == "outer"
        assert current_request_id() == ""


class TestProblemDocument:
    def test_holds_what_the_contract_names_and_nothing_may_take_its_place(self) -> None:
        members: dict[str, Any] = {"type": "evil", "success": True, "limit": 3}
        document = problem_document(
            status=400,
            code="json_invalid",
            detail="No.",
            instance="/a b",
            request_id="r",
            fields=[FieldError(field="links.0.url", code="invalid", detail="Bad.")],
            **members,
        )
        assert document == {
            "type": "urn:veza:error:json_invalid",
            "title": "JSON invalid",
            "status": 400,
            "detail": "No.",
            "instance": "/a%20b",
            "code": "json_invalid",
            "request_id": "r",
            "success": False,
            "error": "No.",
            "errors": [{"field": "links.0.url", "code": "invalid", "detail": "Bad."}],
            "limit": 3,
        }

    def test_can_always_be_sent(self) -> None:
        raw = problem_bytes(
            status=409, code="x", detail="\ud800", instance="/\udcff", request_id="", by=object()
        )
        assert json.loads(raw.decode("utf-8"))["detail"] == "?"
