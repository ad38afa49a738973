"""`manage.py rounds simulate`: rows of demo games, at a rate."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.datastream.models import Game, Round
from apps.datastream.selectors.instruments import list_prices

pytestmark = pytest.mark.django_db


def test_plays_as_many_rounds_as_were_asked_for():
    out = StringIO()

    call_command("rounds", "simulate", "--rate", "1000", "--count", "25", stdout=out)

    assert Round.objects.count() == 25
    assert set(Game.objects.values_list("slug", flat=True)) == {
        "crash", "dice", "moonshot", "wheel",
    }  # fmt: skip
    assert "25 rounds in" in out.getvalue()


def test_moves_prices_and_says_nothing_when_asked_to():
    out = StringIO()

    call_command(
        "rounds", "simulate", "--rate", "1000", "--count", "2", "--prices", "--quiet", stdout=out
    )

    prices = {each["instrument"]: each["price"] for each in list_prices()}
    assert 50_000 < prices["BTC_USDT"] < 70_000
    assert {"ETH_USDT", "SOL_USDT"} <= prices.keys()
    assert out.getvalue() == ""


@pytest.mark.parametrize("rate", ["0", "-1", "x", "inf", "nan"])
def test_a_rate_is_a_number_above_0(rate):
    with pytest.raises(CommandError, match="is not a number above 0"):
        call_command("rounds", "simulate", "--rate", rate)


def test_production_has_no_demo_games(settings):
    settings.VEZA_ENV = "production"

    with pytest.raises(CommandError, match="production"):
        call_command("rounds", "simulate", "--count", "1")
