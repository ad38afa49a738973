# /// script
# requires-python = ">=3.11"
# dependencies = ["httpx>=0.28,<1"]
# ///
"""Fetch facts as a list, again and again, by a cursor.

Nothing is missed and nothing comes twice, however long this program was away. Facts go to
standard output, one JSON object a line; remarks go to standard error. Ctrl-C ends it.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import httpx


def main() -> None:
    """Ask until the server refuses for good, or Ctrl-C."""
    options = parsed()
    state: Path | None = options.state
    cursor = state.read_text().strip() if state and state.exists() else ""
    was_away = bool(cursor)
    while True:
        page = fetch(options, cursor)
        if page is None:
            was_away = True
            time.sleep(options.every)
            continue
        for fact in page["results"]:
            print(json.dumps(fact), flush=True)
        if was_away:
            remark(f"missed while away: {len(page['results'])}{' and more' * bool(page['next'])}")
            was_away = False
        cursor = page["cursor"] or ""
        if state:
            state.write_text(cursor)
        if page["next"] is None:
            time.sleep(options.every)


def fetch(options: argparse.Namespace, cursor: str) -> dict | None:
    """The facts after the cursor; None while the server cannot be reached."""
    headers = {"Authorization": f"Bearer {options.token}"} if options.token else {}
    query = {"rooms": options.rooms, "limit": "100"} | ({"after": cursor} if cursor else {})
    try:
        answer = httpx.get(
            f"{options.url}/api/v1/events", params=query, headers=headers, timeout=30
        )
    except httpx.TransportError as fault:
        remark(f"cut off: {type(fault).__name__}")
        return None
    if answer.status_code == 410:
        remark(f"what was missed is lost ({answer.json()['reason']}); from the oldest held")
        return fetch(options, "")
    if answer.is_client_error and answer.status_code != 429:
        sys.exit(f"{answer.status_code}: {answer.json()['detail']}")
    if answer.is_error:
        remark(f"the server answers {answer.status_code}")
        return None
    return answer.json()


def remark(text: str) -> None:
    print(f"-- {text}", file=sys.stderr, flush=True)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="the server (%(default)s)")
    parser.add_argument("--rooms", default="public,metrics", help="which rooms (%(default)s)")
    parser.add_argument("--token", default="", help="an access token, for rooms that want one")
    parser.add_argument("--state", type=Path, help="a file that keeps the place between two runs")
    parser.add_argument("--every", type=float, default=2, help="seconds between two questions (2)")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
