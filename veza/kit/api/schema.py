"""The OpenAPI description of what every operation shares: problems, limits, conditions, keys."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent

from veza.kit.api.counted import is_counted
from veza.kit.api.problem_schema import DESCRIPTIONS, HEADERS, LIMITS, PROBLEM, REQUEST_ID
from veza.kit.problems import PROBLEM_JSON

Operation = dict[str, Any]

ALWAYS = (400, 406, 500, 503)
WITH_CREDENTIALS = (401, 403)
WITH_BODY = (413, 415)
FIRST_FAILURE = 400
METHOD = "x-method"
"""An extension of `get`: the operation is told under this method, which views cannot have."""
WRITES = ("PUT", "PATCH", "DELETE")


class ProblemAutoSchema(AutoSchema):
    """Adds to each operation the failures that it may end in, as problem documents.

    A status that a view documents itself keeps its description. Views with `is_idempotent`
    (IdempotentMixin) take Idempotency-Key; views with `is_conditional = True` take If-Match and
    If-None-Match.
    """

    def get_operation(self, *args: Any, **kwargs: Any) -> Operation | None:
        operation: Operation | None = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        parameters = self._own_parameters()
        if parameters:
            operation["parameters"] = operation.get("parameters", []) + parameters
        responses = operation["responses"]
        for status in self._failures(operation):
            responses.setdefault(str(status), {"description": DESCRIPTIONS[status]})
        if self._is_conditional and self.method == "GET":
            responses.setdefault("304", {"description": DESCRIPTIONS[304]})
        operation["responses"] = {
            status: self._completed(status, responses[status]) for status in sorted(responses)
        }
        return operation

    @property
    def _is_conditional(self) -> bool:
        return bool(getattr(self.view, "is_conditional", False))

    @property
    def _is_idempotent(self) -> bool:
        return self.method == "POST" and bool(getattr(self.view, "is_idempotent", False))

    @property
    def _is_counted(self) -> bool:
        return is_counted(path=self.path, method=self.method)

    def _failures(self, operation: Operation) -> list[int]:
        statuses = list(ALWAYS)
        if self._is_counted:
            statuses.append(429)
        if any(operation.get("security", ())):
            statuses += WITH_CREDENTIALS
        if "{" in self.path:
            statuses.append(404)
        if "requestBody" in operation:
            statuses += WITH_BODY
        if self._is_idempotent:
            statuses += [409, 422]
        if self._is_conditional and self.method in WRITES:
            statuses.append(412)
        return statuses

    def _own_parameters(self) -> list[dict[str, Any]]:
        names = []
        if self._is_idempotent:
            names.append("Idempotency-Key")
        if self._is_conditional and self.method in WRITES:
            names.append("If-Match")
        if self._is_conditional and self.method == "GET":
            names.append("If-None-Match")
        return [{"name": name, "in": "header", **HEADERS[name]} for name in names]

    def _completed(self, status: str, response: dict[str, Any]) -> dict[str, Any]:
        """The response with the headers of every answer, and a problem document if it is one."""
        names = (REQUEST_ID, *LIMITS) if self._is_counted else (REQUEST_ID,)
        headers = {name: self._reference("headers", name) for name in names}
        for name, when in (("Retry-After", ("429", "503")), ("WWW-Authenticate", ("401",))):
            if status in when:
                headers[name] = self._reference("headers", name)
        if self._is_conditional and self.method != "DELETE" and status in ("200", "201", "304"):
            headers["ETag"] = self._reference("headers", "ETag")
        if int(status) >= FIRST_FAILURE:
            schema = self._reference("schemas", "Problem")
            response = {**response, "content": {PROBLEM_JSON: {"schema": schema}}}
        return {**response, "headers": {**headers, **response.get("headers", {})}}

    def _reference(self, kind: str, name: str) -> dict[str, str]:
        component = ResolvedComponent(  # type: ignore[no-untyped-call]
            name=name,
            type=kind,
            schema=PROBLEM if kind == "schemas" else HEADERS[name],
            object=f"veza.kit.{name}",
        )
        self.registry.register_on_missing(component)
        reference: dict[str, str] = component.ref
        return reference


def move_methods(result: dict[str, Any], **_: object) -> dict[str, Any]:
    """A hook of drf-spectacular: operations with METHOD get it."""
    for operations in result["paths"].values():
        method = operations.get("get", {}).pop(METHOD, None)
        if method is not None:
            operations[method] = operations.pop("get")
    return result
