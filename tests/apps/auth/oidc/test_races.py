"""The same answer sent many times at once."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.auth.models import Session, SocialIdentity, User
from tests.apps.auth.oidc.steps import ROOT, begun, finish
from tests.apps.auth.test_races import at_once
from tests.factories.auth import client_of

pytestmark = pytest.mark.django_db(transaction=True)


def test_one_answer_opens_one_session(forger: Any) -> None:
    told = begun(APIClient(), "forged")
    back = forger.authorize(told["authorization_url"])

    codes = at_once(8, lambda _: finish(APIClient(), told, back, "forged").status_code)

    assert sorted(codes) == [201] + [401] * 7
    assert len(forger.forms) == 1
    assert (User.objects.count(), Session.objects.count()) == (1, 1)


def test_one_login_makes_one_account(forger: Any) -> None:
    """Several browsers of one person who is new here; whom it did not serve may begin anew."""
    answers = []
    for _ in range(6):
        told = begun(APIClient(), "forged")
        answers.append((told, forger.authorize(told["authorization_url"])))

    codes = at_once(6, lambda number: finish(APIClient(), *answers[number], "forged").status_code)

    assert codes.count(201) == 1
    assert set(codes) <= {200, 201, 401, 409}
    assert (User.objects.count(), SocialIdentity.objects.count()) == (1, 1)


def test_one_way_in_stays_when_both_are_removed_at_once(forger: Any, signed_in: Any) -> None:
    signed_in()
    user = User.objects.get()
    SocialIdentity.objects.create(user=user, issuer=forger.issuer, subject="another")
    session: dict[str, Any] = client_of(user).defaults
    ids = list(SocialIdentity.objects.values_list("pk", flat=True))

    codes = at_once(
        2,
        lambda number: APIClient(**session).delete(f"{ROOT}/identities/{ids[number]}").status_code,
    )

    assert sorted(codes) == [204, 409]
    assert SocialIdentity.objects.count() == 1
