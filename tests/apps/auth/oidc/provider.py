"""A real provider: oidc-provider, as npm has it."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.npm import installed_packages

CALLBACK = "https://app.example.org/signed-in"
CLIENT_ID = "veza of the tests"
CLIENT_SECRET = "with a blank, a + and a %"
ACCOUNTS = {
    "ada": {
        "email": "Ada@example.org",
        "email_verified": True,
        "name": "Ada Lovelace",
        "preferred_username": "ada",
    },
    "bob": {"email": "bob@example.org", "email_verified": False, "preferred_username": "b"},
    "mute": {"name": "Nobody"},
}
HERE = Path(__file__).parent


@contextmanager
def running_provider(callback: str = CALLBACK) -> Iterator[str]:
    """The issuer of one that sends browsers back to this address."""
    client = {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "redirect_uris": [callback],
    }
    process = subprocess.Popen(
        ["node", "provider.mjs", json.dumps({"clients": [client], "accounts": ACCOUNTS})],
        cwd=installed_packages(HERE, "provider.mjs"),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    with process:  # closes its stdin, at which it ends
        assert process.stdout is not None
        yield process.stdout.readline().strip()
