"""Taking an old key away after a rotation of ENCRYPTION_KEYS."""

import ast
import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.utils import timezone

from apps.auth.models import SecondFactor, SocialAttempt
from tests.factories.auth import make_user
from veza.kit import sealed
from veza.kit.crypto import decrypt, encrypt
from veza.kit.models import IdempotencyKey
from veza.kit.sealed import Tally, reseal, sealed_columns

pytestmark = pytest.mark.django_db

OLD, NEW = "o" * 40, "n" * 40
NOTHING = {"current": 0, "old": 0, "unreadable": 0}


def seal_one_of_each(number: int = 1) -> None:
    for each in range(number):
        SecondFactor.objects.create(user=make_user(), secret=encrypt(f"secret {each}"))
    now = timezone.now()
    SocialAttempt.objects.create(
        provider="acme", state_hash=f"state {number}", secret_hash="", nonce="", redirect_uri="",
        verifier=encrypt("verifier"), expires_at=now,
    )  # fmt: skip
    IdempotencyKey.objects.create(
        scope="user:1", key=f"{number}", request_hash="", answer=encrypt("answer"), created_at=now
    )


def run(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("reencrypt", "--json", *arguments, stdout=out, stderr=StringIO())
    told: dict[str, Any] = json.loads(out.getvalue())
    return told


def secrets() -> list[str]:
    return [decrypt(each.secret) for each in SecondFactor.objects.order_by("id")]


class TestReencrypt:
    def test_makes_the_old_key_unneeded(self, settings):
        settings.ENCRYPTION_KEYS = [OLD]
        seal_one_of_each(5)
        settings.ENCRYPTION_KEYS = [NEW, OLD]
        seal_one_of_each(2)

        told = run("--batch", "2")

        assert told == {
            "accounts_secondfactor.secret": {"current": 2, "old": 5, "unreadable": 0},
            "accounts_socialattempt.verifier": {"current": 1, "old": 1, "unreadable": 0},
            "kit_idempotencykey.answer": {"current": 1, "old": 1, "unreadable": 0},
        }
        settings.ENCRYPTION_KEYS = [NEW]
        assert secrets() == [f"secret {each}" for each in (0, 1, 2, 3, 4, 0, 1)]
        assert {decrypt(each.verifier) for each in SocialAttempt.objects.all()} == {"verifier"}
        assert {decrypt(each.answer) for each in IdempotencyKey.objects.all()} == {"answer"}
        assert run("--check")["accounts_secondfactor.secret"] == NOTHING | {"current": 7}

    def test_leaves_alone_what_is_current(self, settings):
        settings.ENCRYPTION_KEYS = [NEW, OLD]
        seal_one_of_each()
        before = SecondFactor.objects.get().secret

        run()

        assert SecondFactor.objects.get().secret == before

    def test_only_counts_with_check(self, settings):
        settings.ENCRYPTION_KEYS = [OLD]
        seal_one_of_each()
        before = SecondFactor.objects.get().secret
        settings.ENCRYPTION_KEYS = [NEW, OLD]

        with pytest.raises(CommandError, match="3 need another key"):
            run("--check")

        assert SecondFactor.objects.get().secret == before

    def test_goes_on_where_it_was_interrupted(self, settings):
        settings.ENCRYPTION_KEYS = [OLD]
        seal_one_of_each(5)
        settings.ENCRYPTION_KEYS = [NEW, OLD]
        [column] = [each for each in sealed_columns() if each.model is SecondFactor]
        interrupted = reseal(column, batch=2)
        next(interrupted)
        del interrupted

        assert run()[str(column)] == {"current": 2, "old": 3, "unreadable": 0}

    def test_does_not_undo_what_somebody_does_meanwhile(self, settings, monkeypatch):
        settings.ENCRYPTION_KEYS = [OLD]
        seal_one_of_each()
        settings.ENCRYPTION_KEYS = [NEW, OLD]
        look = sealed._look

        def change_first(token: str) -> Tally:
            SecondFactor.objects.filter(secret=token).update(secret=encrypt("another"))
            return look(token)

        monkeypatch.setattr(sealed, "_look", change_first)
        run()

        assert secrets() == ["another"]

    @pytest.mark.parametrize("arguments", [(), ("--check",)])
    def test_tells_of_what_no_key_opens_and_leaves_it(self, settings, arguments):
        settings.ENCRYPTION_KEYS = [OLD]
        seal_one_of_each()
        lost = SecondFactor.objects.get().secret
        settings.ENCRYPTION_KEYS = [NEW]

        with pytest.raises(CommandError, match="3 are opened by no key"):
            run(*arguments)

        assert SecondFactor.objects.get().secret == lost

    def test_says_what_it_did(self, settings):
        settings.ENCRYPTION_KEYS = [OLD]
        seal_one_of_each()
        settings.ENCRYPTION_KEYS = [NEW, OLD]
        out = StringIO()

        call_command("reencrypt", stdout=out, stderr=StringIO())

        assert "accounts_secondfactor.secret: 0 current, 1 sealed anew" in out.getvalue()

    @pytest.mark.parametrize("size", ["0", "-1", "x", "100001"])
    def test_takes_no_senseless_batch(self, size):
        with pytest.raises(CommandError):
            call_command("reencrypt", f"--batch={size}")


def test_whatever_is_sealed_stands_in_a_column_that_is_found() -> None:
    """Each `encrypt(...)` of the product is the value of a column of this kind."""
    names = {column.name for column in sealed_columns()}
    used = set(_arguments_of_encrypt())

    assert used == names


def _arguments_of_encrypt() -> Iterator[str]:
    root = Path(django_settings.BASE_DIR)
    for folder in ("apps", "veza"):
        for path in (root / folder).rglob("*.py"):
            if path.name in ("crypto.py", "sealed.py"):
                continue
            tree = ast.parse(path.read_text(encoding="utf-8"))
            calls = sum(map(_is_encrypt, ast.walk(tree)))
            named = [
                node.arg or "?"
                for node in ast.walk(tree)
                if isinstance(node, ast.keyword) and _is_encrypt(node.value)
            ]
            assert calls == len(named), f"{path}: encrypt() is no argument of a model's"
            yield from named


def _is_encrypt(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "encrypt"
    )
