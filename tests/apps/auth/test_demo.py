"""`manage.py demo`."""

import io
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from apps.auth.models import User
from apps.auth.services import demo, sign_in
from tests.factories.auth import PHONE, make_user

pytestmark = pytest.mark.django_db

ME = "/api/v1/users/me"


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("demo", *arguments, stdout=out)
    return out.getvalue()


class TestDemo:
    def test_prints_accounts_that_can_be_signed_in_to(self):
        printed = json.loads(run("--json"))

        assert printed.keys() == {"accounts", "tokens"}
        for account in printed["accounts"]:
            assert account.keys() == {"username", "password", "roles"}
            user = sign_in.check_credentials(
                login=account["username"], password=account["password"]
            )
            assert list(user.roles) == account["roles"]
        roles = [set(account["roles"]) for account in printed["accounts"]]
        assert {"listener"} in roles
        assert sum(each == {"listener", "creator"} for each in roles) == 2
        assert {"moderator", "operator", "admin"} <= set().union(*roles)
        assert User.objects.get(username="operator").is_staff
        assert User.objects.get(username="admin").is_superuser

    def test_changes_nothing_the_second_time_but_the_tokens(self, api_client):
        first, second = json.loads(run("--json")), json.loads(run("--json"))

        assert second["accounts"] == first["accounts"]
        tokens = [*first["tokens"].items(), *second["tokens"].items()]
        assert len({token for _, token in tokens}) == 4
        for name, token in tokens:
            me = api_client.get(ME, headers={"Authorization": f"Bearer {token}"})
            assert me.json()["username"] == name

    def test_gives_tokens_for_90_days(self, api_client, time_machine_at):
        token = json.loads(run("--json"))["tokens"]["ingestor"]

        with time_machine_at(timezone.now() + timedelta(days=89)):
            me = api_client.get(ME, headers={"Authorization": f"Bearer {token}"})
        assert me.status_code == 200

    @pytest.mark.parametrize("change", ["password", "secret"])
    def test_tells_a_password_that_works_after_a_change(self, settings, change):
        accounts = json.loads(run("--json"))["accounts"]
        if change == "secret":
            settings.SECRET_KEY = "another secret of more than thirty-two characters"
        else:
            user = User.objects.get(username="ravi")
            user.set_password("something else altogether")
            user.token_version += 1
            user.save()

        again = json.loads(run("--json"))["accounts"]

        assert (again == accounts) is (change == "password")
        for account in again:
            assert sign_in.log_in(
                login=account["username"],
                password=account["password"],
                client=PHONE,
                now=timezone.now(),
            )

    def test_gives_nobody_who_took_a_name_its_powers(self):
        stranger = make_user(username="Admin")

        with pytest.raises(CommandError, match="belongs to someone else"):
            run("--json")

        assert User.objects.get() == stranger
        assert stranger.roles == ("listener", "creator")

    def test_hashes_nothing_but_one_check_when_all_is_there(self, monkeypatch):
        run("--json")
        monkeypatch.setattr(User, "set_password", None)

        run("--json")

    def test_is_refused_in_production(self, settings):
        settings.VEZA_ENV = "production"

        with pytest.raises(CommandError, match="production"):
            run("--json")

        assert not User.objects.exists()

    def test_prints_a_table_for_people(self):
        printed = run()

        for account in demo.ensure_accounts(now=timezone.now()):
            assert account.username in printed
            assert account.password in printed
        assert "ingestor token" in printed
