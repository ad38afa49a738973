"""The commands in docs/api/uploads.md upload a file."""

import os
import re
import subprocess
from pathlib import Path

from django.conf import settings

from tests.apps.realtime.live import installed

PAGE = Path(settings.BASE_DIR) / "docs" / "api" / "uploads.md"


def test_uploads_a_file(tmp_path: Path) -> None:
    [example] = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "live").mkdir()
    settings = {"DJANGO_SETTINGS_MODULE": "veza.settings"}
    with installed(tmp_path / "live", **settings) as live:
        variables = {"VEZA": live.web.base_url, "ACCESS": live.web.register().access}
        subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", example],
            cwd=tmp_path, env=os.environ | variables, check=True, capture_output=True,
        )  # fmt: skip
        [[key, filename]] = live.query("SELECT key, filename FROM track_upload")

    stored = tmp_path / "live" / "storage" / key
    assert stored.read_bytes() == (tmp_path / "song.bin").read_bytes()
    assert filename == "song.flac"
