"""Large files: what they cost the server, and where they end up in S3."""

import hashlib
import os
from pathlib import Path

import pytest

from tests.apps.track.uploads.conftest import SETTINGS
from tests.apps.track.uploads.tus import Tus
from tests.patience import PATIENCE_S
from veza.integrations.object_storage.s3 import connect

MEGABYTE = 1024**2
BLOCK = os.urandom(MEGABYTE)


def resident_bytes(pid: int) -> int:
    """Of the process, as the kernel counts it."""
    fields = Path(f"/proc/{pid}/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture
def s3_web(live, own_s3):
    """A web process whose files go into a bucket."""
    given = {name: value for name, value in own_s3.settings.items() if name != "S3_REGION"}
    with live.another_web(**SETTINGS, **given) as web:
        yield web


@pytest.mark.parametrize("server", ["web", "s3_web"])
def test_the_memory_of_the_server_does_not_grow_with_the_file(request, tus, disk, server):
    web = request.getfixturevalue(server)
    tus = Tus(port=web.port, account=tus.account)
    tus.create(MEGABYTE, "Content-Type: application/offset+octet-stream", body=BLOCK)
    before = most = resident_bytes(web.process.pid)
    path = tus.create(200 * MEGABYTE)
    whole = hashlib.sha256()
    with tus.start(path, 0, announced=200 * MEGABYTE) as wire:
        for _ in range(200):
            wire.send(BLOCK)
            whole.update(BLOCK)
            most = max(most, resident_bytes(web.process.pid))
        wire.socket.settimeout(PATIENCE_S)
        assert wire.answer().status == 204

    assert most - before < 40 * MEGABYTE
    assert disk.row(path).sha256 == whole.hexdigest()


def test_cuts_lose_nothing_in_s3(s3_web, tus, disk, own_s3, settings):
    tus = Tus(port=s3_web.port, account=tus.account)
    content = os.urandom(20 * MEGABYTE + 5)
    path = tus.create(len(content))
    for sent in (1000, 3 * MEGABYTE, 9 * MEGABYTE):
        offset = tus.offset(path)
        rest = content[offset:]
        tus.start(path, offset, announced=len(rest), sent=rest[:sent]).socket.close()
        assert tus.offset(path) == offset + sent
    offset = tus.offset(path)
    assert tus.patch(path, offset, content[offset:]).status == 204

    for name, value in own_s3.settings.items():
        setattr(settings, name, value)
    bucket = connect(connect_timeout=3, read_timeout=20, attempts=1)
    row = disk.row(path)
    stored = bucket.get_object(Bucket=own_s3.settings["S3_BUCKET"], Key=row.key)["Body"].read()
    assert stored == content
    assert row.sha256 == hashlib.sha256(content).hexdigest()
    left = bucket.list_objects_v2(Bucket=own_s3.settings["S3_BUCKET"], Prefix="unfinished/")
    assert left["KeyCount"] == 0
