"""Reads a `.http` file as the REST Client of editors does, and sends its requests."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.patience import PATIENCE_S

_VARIABLE = re.compile(r"^@([\w-]+) = (.*)$")
_REFERENCE = re.compile(r"\{\{([^}]+)\}\}")
NOTHING = "01936f2e-8c00-7b5a-9d3e-4f1a2b3c4d51"
"""The id of what was not made."""
_NAME = re.compile(r"^# @name (\w+)$", re.MULTILINE)


@dataclass(kw_only=True)
class HttpFile:
    """One file, its variables, and what was answered so far."""

    path: Path
    variables: dict[str, str] = field(default_factory=dict)
    """Set these before the first request; they win over those in the file."""
    answers: dict[str, httpx.Response] = field(default_factory=dict)

    def names(self) -> list[str]:
        """Of the requests, in the order of the file."""
        return _NAME.findall(self.path.read_text())

    def send_all(self) -> Iterator[tuple[str, httpx.Response]]:
        """One after the other."""
        given = dict(self.variables)
        for block in re.split(r"^###.*$", self.path.read_text(), flags=re.MULTILINE):
            for line in block.splitlines():
                if found := _VARIABLE.match(line):
                    self.variables.setdefault(found[1], found[2])
                    if found[1] not in given and "response" in found[2]:
                        self.variables[found[1]] = found[2]
            if name := _NAME.search(block):
                self.answers[name[1]] = self._send(block)
                yield name[1], self.answers[name[1]]

    def _send(self, block: str) -> httpx.Response:
        lines = [line for line in block.splitlines() if not line.startswith(("#", "@"))]
        head, _, body = "\n".join(lines).strip().partition("\n\n")
        first, *others = [self._filled(line) for line in head.splitlines()]
        method, _, url = first.partition(" ")
        headers = dict(other.split(": ", 1) for other in others)
        content = self._content(body)
        with httpx.stream(
            method, url, headers=headers, content=content, timeout=PATIENCE_S
        ) as answer:
            if "text/event-stream" not in answer.headers.get("content-type", ""):
                answer.read()  # a stream of events has no end
        return answer

    def _content(self, body: str) -> bytes:
        """Lines of a form end as a form's lines do; `< ./file` is what stands in the file."""
        if not re.search(r"^< ", body, re.MULTILINE):
            return self._filled(body).encode()
        lines = [
            (self.path.parent / line[2:]).read_bytes() if line.startswith("< ") else line.encode()
            for line in body.splitlines()
        ]
        return b"\r\n".join(lines)

    def _filled(self, text: str) -> str:
        return _REFERENCE.sub(lambda found: self._value(found[1]), text)

    def _value(self, reference: str) -> str:
        name, _, rest = reference.partition(".response.body.$.")
        if not rest:
            return self._filled(self.variables[name])
        answer = self.answers[name]
        return str(answer.json()[rest]) if answer.is_success else NOTHING
