"""Advisory locks are told apart by their numbers alone."""

import re
from collections import defaultdict
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
NUMBER = re.compile(r"\b7391\d{3}\b")
SHARED = {
    # The order of the log: relays, and who gives it a new epoch.
    "7391001": {"apps/events/services.py", "migrations/events/0001_initial.py"},
    # That of uploads has a second number, a space of its own; 0005 gives the log another.
    "7391002": {
        "apps/track/services/uploads.py",
        "migrations/auth/0004_audit_log.py",
        "migrations/events/0001_initial.py",
        "migrations/events/0005_own_lock.py",
    },
}


def test_each_number_belongs_to_one_module():
    users: dict[str, set[str]] = defaultdict(set)
    for folder in ("apps", "veza", "migrations"):
        for path in (ROOT / folder).rglob("*.py"):
            for number in NUMBER.findall(path.read_text(encoding="utf-8")):
                users[number].add(path.relative_to(ROOT).as_posix())
    assert len(users) > 5
    assert {number: found for number, found in users.items() if len(found) > 1} == SHARED
