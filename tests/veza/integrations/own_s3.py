"""An S3 of the tests' own: moto's server. It takes any signature, and no link ever expires."""

import subprocess
import sys
from typing import Self

import boto3
import httpx

from tests.veza.asgi.wire import CERTIFICATES, until
from veza.embedded.ports import free_port

BUCKET = "veza-tests"


class OwnS3:
    """One bucket, kept in memory."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = {
            "S3_ENDPOINT_URL": self.url,
            "S3_BUCKET": BUCKET,
            "S3_REGION": "us-east-1",
            "S3_ACCESS_KEY_ID": "key",
            "S3_SECRET_ACCESS_KEY": "secret",
        }
        self._running: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        argv = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        quiet = subprocess.DEVNULL
        self._running = subprocess.Popen(argv, stdout=quiet, stderr=quiet)
        until(self._answers, timeout_s=60)
        client = boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="key",
            aws_secret_access_key="secret",
        )
        client.create_bucket(Bucket=BUCKET)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._running is not None
        self._running.kill()
        self._running.wait()

    def _answers(self) -> bool:
        try:
            return self._status() == httpx.codes.OK
        except httpx.TransportError:
            return False

    def _status(self) -> int:
        return httpx.get(f"{self.url}/moto-api/", verify=CERTIFICATES).status_code
