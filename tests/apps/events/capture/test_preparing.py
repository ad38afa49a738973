"""Who makes the slot may wait for long, and keeps nobody waiting but others who would make it."""

import pytest
from django.db import connection, transaction

from apps.auth.models import AuditSeal
from apps.auth.services import audit
from apps.auth.types import AuditAction
from apps.events.capture.sessions import may_prepare
from apps.events.sessions import session

pytestmark = pytest.mark.django_db(transaction=True)


def test_one_prepares_at_a_time():
    with session("first") as first, session("second") as second:
        assert may_prepare(first)
        assert not may_prepare(second)
    with session("third") as third:
        assert may_prepare(third)


def test_meanwhile_people_sign_in_and_the_log_grows():
    with session("capture") as capture:
        assert may_prepare(capture)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '2s'")
            audit.record(AuditAction.LOGIN_FAILED)
        with connection.cursor() as cursor:
            cursor.execute("SELECT events_log_extend(1, 1)")

    assert AuditSeal.objects.count() == 1
