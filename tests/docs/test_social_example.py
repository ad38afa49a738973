"""The client in docs/api/auth.md signs in at a real provider."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as project

from apps.auth.models import User
from tests.apps.auth.oidc.provider import CLIENT_ID, CLIENT_SECRET, running_provider
from tests.patience import PATIENCE_S
from veza.embedded.ports import free_port

PAGE = Path(project.BASE_DIR) / "docs" / "api" / "auth.md"
BROWSER = f"{sys.executable} -m tests.apps.auth.oidc.browser %s &"


@pytest.mark.django_db(transaction=True)
def test_signs_in(live_server: Any, settings: Any, tmp_path: Path) -> None:
    [example] = re.findall(r"```python\n(# sign_in.py\n.*?)```", PAGE.read_text(), re.DOTALL)
    script = tmp_path / "sign_in.py"
    script.write_text(example)
    callback = f"http://127.0.0.1:{free_port()}/signed-in"
    with running_provider(callback) as issuer:
        settings.OIDC_REDIRECT_URIS = [callback]
        settings.OIDC_PROVIDERS = {
            "example": {
                "issuer": issuer,
                "client_id": CLIENT_ID,
                "client_secret": CLIENT_SECRET,
                "label": "Example",
            }
        }
        done = subprocess.run(
            [sys.executable, str(script), live_server.url, "example", callback],
            env={"BROWSER": BROWSER, "PYTHONPATH": str(project.BASE_DIR)},
            capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip

    assert done.stdout.endswith("Signed in as ada\n"), done.stderr
    assert User.objects.get().username == "ada"
