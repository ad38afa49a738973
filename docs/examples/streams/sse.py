# /// script
# requires-python = ">=3.11"
# dependencies = ["httpx>=0.28,<1"]
# ///
"""Show facts as they happen, by server-sent events.

Comes back by itself after a cut and first shows what happened meanwhile. Facts go to standard
output, one JSON object a line; remarks go to standard error. Ctrl-C ends it.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import httpx


def main() -> None:
    """Listen until the server refuses for good, or Ctrl-C."""
    options = parsed()
    seen = Seen(options.state)
    failures = 0
    while True:
        try:
            for event in listen(options, seen.last_id):
                failures = 0
                seen.take(event)
        except httpx.TransportError as fault:
            remark(f"cut off: {type(fault).__name__}")
        failures += 1
        time.sleep(min(30, 2**failures / 2) * random.uniform(0.5, 1))


class Seen:
    """The last fact, and what came after a cut."""

    def __init__(self, state: Path | None) -> None:
        self.state = state
        self.last_id = state.read_text().strip() if state and state.exists() else ""
        self.back_at = time.time()
        self.missed = 0

    def take(self, event: dict[str, str]) -> None:
        """Show one event of the stream."""
        kind, data = event.get("event", ""), event.get("data", "")
        if not kind and data == "connected":
            remark(f"connected, going on after {self.last_id or 'now'}")
            self.back_at, self.missed = time.time(), 0
        elif kind == "reset":
            remark(f"what was missed is lost ({data}); read the present state over REST")
        elif kind:
            self._show(data, has_id="id" in event)
        if event.get("id"):
            self.last_id = event["id"]
            if self.state:
                self.state.write_text(self.last_id)

    def _show(self, data: str, *, has_id: bool) -> None:
        print(data, flush=True)
        happened = datetime.fromisoformat(json.loads(data)["time"]).timestamp()
        if has_id and happened < self.back_at:
            self.missed += 1
            remark(f"missed while away: {self.missed}")


def listen(options: argparse.Namespace, last_id: str) -> Iterator[dict[str, str]]:
    """The events of one connection. Raises httpx.TransportError when it is cut."""
    headers = {"Last-Event-ID": last_id} if last_id else {}
    if options.token:
        headers["Authorization"] = f"Bearer {options.token}"
    query = {"rooms": options.rooms, "envelope": "1"}
    address = f"{options.url}/api/v1/events/watch"
    patience = httpx.Timeout(10, read=60)  # the server says something every 15 s
    with httpx.stream("GET", address, params=query, headers=headers, timeout=patience) as answer:
        if answer.is_client_error and answer.status_code != 429:
            sys.exit(f"{answer.status_code}: {json.loads(answer.read())['detail']}")
        if answer.is_error:
            remark(f"the server answers {answer.status_code}")
            return
        event: dict[str, str] = {}
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            if name:
                event[name] = value
            elif not line:
                yield event
                event = {}


def remark(text: str) -> None:
    print(f"-- {text}", file=sys.stderr, flush=True)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="the server (%(default)s)")
    parser.add_argument("--rooms", default="public,metrics", help="which rooms (%(default)s)")
    parser.add_argument("--token", default="", help="an access token, for rooms that want one")
    parser.add_argument("--state", type=Path, help="a file that keeps the place between two runs")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
