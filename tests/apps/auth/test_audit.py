"""The audit log: complete, readable by operators, and nobody changes it."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from uuid import UUID

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from apps.auth.models import AuditEntry, AuditOrigin, AuditSeal, User
from apps.auth.selectors.audit import Seal, check_audit_chain
from apps.auth.services import accounts, audit
from apps.auth.types import REGISTRATION_ROLES, AuditAction, RoleName
from apps.events.types import Actor
from tests.factories.auth import PASSWORD, make_user
from tests.veza.asgi.wire import until
from veza.health.exposition import exposition
from veza.kit.context import Client, bind_client, bind_request_id
from veza.kit.models import new_id

ROLES = settings.BASE_DIR / "deploy" / "postgres" / "roles.sql"
FROM = Client(user_agent="phone/1", address="192.0.2.10")


def write(count: int = 1, *, user_id: UUID | None = None) -> None:
    """Each in a transaction of its own."""
    for _ in range(count):
        with bind_client(FROM):
            audit.record(AuditAction.LOGIN_FAILED, user_id=user_id)


def verify(*arguments: str) -> str:
    out = StringIO()
    call_command("audit_verify", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def tamper(sql: str) -> None:
    """As someone who owns the tables can, and no role of the application."""
    with connection.cursor() as cursor:
        for table in ("accounts_auditentry", "accounts_auditseal"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        cursor.execute(sql)
        for table in ("accounts_auditentry", "accounts_auditseal"):
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER ALL")


@pytest.mark.django_db
class TestEntries:
    def test_tell_of_every_step(self, api_client, settings):
        body = {"username": "songstress", "email": "songstress@example.org", "password": PASSWORD}
        headers = {"HTTP_X_REQUEST_ID": "req-7", "HTTP_USER_AGENT": "phone/1"}
        api_client.post("/api/v1/auth/register", body, format="json", **headers)
        login = {"login": "songstress", "password": "wrong password here"}
        api_client.post("/api/v1/auth/login", login, format="json", **headers)
        user = User.objects.get(username="songstress")
        operator = make_user(roles=REGISTRATION_ROLES | {RoleName.OPERATOR})
        actor = Actor(type="user", id=operator.id)
        now = timezone.now()
        roles = {RoleName.LISTENER}
        accounts.set_roles(user_id=user.id, roles=roles, now=now, actor=actor)
        accounts.set_active(user_id=user.id, is_active=False, now=now, actor=actor)

        entries = AuditEntry.objects.filter(user_id=user.id).order_by("id")

        assert [entry.action for entry in entries] == [
            "user.registered",
            "login.succeeded",
            "login.failed",
            "roles.changed",
            "session.revoked",
            "user.deactivated",
        ]
        assert {entry.request_id for entry in entries[:3]} == {"req-7"}
        assert entries[0].origin.user_agent == "phone/1"
        assert entries[0].origin.ip == "127.0.0.1"
        assert entries[3].details == {"given": [], "taken": ["creator"]}
        assert entries[3].actor_id == str(operator.id)
        told = str([[entry.details, entry.actor_id] for entry in entries])
        assert "songstress" not in told
        assert PASSWORD not in told

    def test_tell_of_a_login_without_an_account(self, api_client):
        login = {"login": "nobody", "password": "wrong password here"}
        api_client.post("/api/v1/auth/login", login, format="json")

        entry = AuditEntry.objects.get()

        assert (entry.action, entry.user_id) == ("login.failed", None)
        assert "nobody" not in str(entry.details)

    def test_are_gone_with_the_transaction(self):
        with transaction.atomic():
            write()
            transaction.set_rollback(True)

        assert not AuditEntry.objects.exists()


@pytest.mark.django_db
class TestAppendOnly:
    def test_the_orm_neither_changes_nor_deletes(self):
        write()
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        entry, seal = AuditEntry.objects.get(), AuditSeal.objects.get()
        changes: list[Callable[[], object]] = [
            lambda: AuditEntry.objects.update(action="x"),
            lambda: AuditEntry.objects.all().delete(),
            entry.save,
            entry.delete,
            lambda: AuditSeal.objects.update(hash="x"),
            lambda: AuditSeal.objects.all().delete(),
            seal.delete,
        ]

        for change in changes:
            with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
                change()

    def test_an_origin_is_erased_and_never_changed(self):
        user_id = new_id()
        write(2, user_id=user_id)
        write(1, user_id=new_id())

        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            AuditOrigin.objects.update(ip="203.0.113.1")
        assert audit.forget_origins(user_id=user_id) == 2

        assert AuditEntry.objects.count() == 3
        assert AuditOrigin.objects.count() == 1


@pytest.mark.django_db(transaction=True)
class TestRoleOfTheApplication:
    """deploy/postgres/roles.sql, as a server would run it."""

    @pytest.fixture
    def app(self, database_url: str) -> Iterator[psycopg.Connection]:
        with psycopg.connect(database_url, autocommit=True) as owner:
            owner.execute(ROLES.read_text())
        try:
            with psycopg.connect(database_url, autocommit=True) as app:
                app.execute("SET SESSION AUTHORIZATION veza_app")
                yield app
        finally:
            with psycopg.connect(database_url, autocommit=True) as owner:
                owner.execute("DROP OWNED BY veza_app; DROP OWNED BY veza_owner")

    def test_writes_entries_that_are_sealed(self, app):
        app.execute(
            "INSERT INTO accounts_auditentry (id, at, action, actor_type, actor_id, request_id,"
            " details, origin_hash) VALUES (gen_random_uuid(), now(), 'x', '', '', '', '{}', '')"
        )

        assert AuditSeal.objects.get().position == 1

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE accounts_auditentry SET action = 'x'",
            "DELETE FROM accounts_auditentry",
            "TRUNCATE accounts_auditentry",
            "DROP TABLE accounts_auditentry",
            "ALTER TABLE accounts_auditentry DISABLE TRIGGER ALL",
            "SET session_replication_role = replica",
            "INSERT INTO accounts_auditseal (position, entry_id, hash)"
            " VALUES (9, gen_random_uuid(), 'x')",
            "UPDATE accounts_auditseal SET hash = 'x'",
            "DELETE FROM accounts_auditseal",
            "UPDATE accounts_auditorigin SET ip = NULL",
            "CREATE TABLE mine ()",
            "CREATE OR REPLACE FUNCTION accounts_audit_seal() RETURNS trigger LANGUAGE plpgsql"
            " AS $$ BEGIN RETURN NULL; END $$",
        ],
    )
    def test_may_do_nothing_else(self, app, statement):
        write()

        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute(statement)

    def test_works_with_everything_else(self, app):
        app.execute("SELECT count(*) FROM accounts_user")
        app.execute("UPDATE accounts_user SET bio = '' WHERE false")


@pytest.mark.django_db(transaction=True)
class TestChain:
    def test_is_dense_and_whole_after_parallel_writers(self):
        def many(_: int) -> None:
            try:
                with transaction.atomic():
                    write(3)
                write(2)
            finally:
                connection.close()

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(many, range(8)))

        positions = AuditSeal.objects.order_by("position").values_list("position", flat=True)
        assert list(positions) == list(range(1, 41))
        assert "40 entries" in verify()

    def test_verifies_without_erased_origins(self):
        user_id = new_id()
        write(3, user_id=user_id)
        audit.forget_origins(user_id=user_id)

        assert json.loads(verify("--json"))["entries"] == 3

    def test_holds_text_of_every_kind(self):
        with bind_request_id("ü,3:x"), bind_client(Client(user_agent="Ω:1,", address="::1")):
            audit.record(AuditAction.LOGIN_FAILED, ключ=['"', "\\", "\n", 1.5, None])
        write()

        assert "2 entries" in verify()

    @pytest.mark.parametrize(
        ("sql", "told"),
        [
            ("UPDATE accounts_auditentry SET action = 'logout'", "position 1: .*was changed"),
            ("UPDATE accounts_auditentry SET details = '{\"a\": 1}'", "was changed"),
            ("UPDATE accounts_auditentry SET at = at + interval '1 us'", "was changed"),
            ("UPDATE accounts_auditseal SET hash = repeat('0', 64)", "was changed"),
            (
                "DELETE FROM accounts_auditentry WHERE id IN"
                " (SELECT entry_id FROM accounts_auditseal WHERE position = 2)",
                "position 2: the entry is missing",
            ),
            ("DELETE FROM accounts_auditseal WHERE position = 2", "2: the seal is missing"),
            (
                "INSERT INTO accounts_auditentry SELECT gen_random_uuid(), at, action, actor_type,"
                " actor_id, user_id, request_id, details, origin_hash"
                " FROM accounts_auditentry LIMIT 1",
                "has no seal",
            ),
        ],
    )
    def test_tells_what_was_done_to_it(self, sql, told):
        write(3)
        verify()

        columns = "id, at, action, actor_type, actor_id, user_id, request_id, details, origin_hash"
        tamper(sql.replace("accounts_auditentry SELECT", f"accounts_auditentry ({columns}) SELECT"))

        with pytest.raises(CommandError, match=told):
            verify()

    def test_tells_of_a_cut_end_to_who_kept_the_head(self):
        write(3)
        head = json.loads(verify("--json"))["head"]
        write(1)
        assert "4 entries" in verify("--expect", head)
        tamper("DELETE FROM accounts_auditseal WHERE position > 2")
        tamper(
            "DELETE FROM accounts_auditentry e WHERE NOT EXISTS"
            " (SELECT FROM accounts_auditseal s WHERE s.entry_id = e.id)"
        )

        assert "2 entries" in verify()
        with pytest.raises(CommandError, match="the end was cut off"):
            verify("--expect", head)

    def test_tells_of_one_made_anew_to_who_kept_the_head(self):
        write(2)
        with pytest.raises(CommandError, match="another hash was expected"):
            verify("--expect", f"2:{'0' * 64}")

    def test_is_looked_at_every_night(self):
        write(3)
        assert audit.check_chain(now=timezone.now()).fault == ""
        until(lambda: b"veza_audit_broken 0.0" in exposition())
        tamper("DELETE FROM accounts_auditseal")
        tamper("DELETE FROM accounts_auditentry")
        write(2)

        check = audit.check_chain(now=timezone.now())

        assert check.fault == "position 3: the end was cut off"
        assert audit.check_chain(now=timezone.now()).fault == check.fault
        until(lambda: b"veza_audit_broken 1.0" in exposition())

    def test_refuses_what_is_no_head(self):
        with pytest.raises(CommandError, match="POSITION:HASH"):
            verify("--expect", "2")

    def test_is_walked_in_batches(self, monkeypatch):
        monkeypatch.setattr("apps.auth.selectors.audit.BATCH", 2)
        write(5)

        assert [seal.position for seal in check_audit_chain() if isinstance(seal, Seal)] == [
            2,
            4,
            5,
        ]
