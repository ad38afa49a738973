"""What a run without the servers says: which suites are left out, and what to type instead."""

import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
ADDRESSES = ("DATABASE_URL", "AMQP_URL", "NATS_URL", "CLAMD_URL")


def run_pytest(*words: str, **environ: str) -> tuple[int, str]:
    """Exit code and output of a pytest that is given no address."""
    kept = {name: value for name, value in os.environ.items() if name not in (*ADDRESSES, "CI")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", "-q", *words],
        cwd=ROOT, env=kept | environ, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    return done.returncode, done.stdout


def test_a_suite_without_its_server_is_skipped():
    code, said = run_pytest("tests/deploy/test_real_servers.py", "-k", "TestNats")

    assert code == 0
    assert "NATS_URL is not set. Run `make test`" in said
    assert "2 skipped" in said


def test_it_fails_where_nothing_may_be_left_out():
    code, said = run_pytest("tests/deploy/test_real_servers.py", "-k", "TestNats", CI="true")

    assert code == 1
    assert "2 errors" in said


def test_without_a_database_one_sentence_says_what_to_type():
    code, said = run_pytest("tests/deploy/test_probes.py", "-k", "may_create_databases_is_usable")

    assert code == 1
    assert "DATABASE_URL is not set. Run `make test`" in said
    assert "Traceback" not in said
