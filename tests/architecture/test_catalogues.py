"""Facts stand in their app's `events.py`, and their names tell them apart."""

from apps.events import registry
from apps.events.types import Fact


def _all_below(base: type[Fact]) -> set[type[Fact]]:
    direct = set(base.__subclasses__())
    return direct.union(*(_all_below(child) for child in direct))


def test_every_fact_of_an_app_is_in_the_catalogue():
    declared = {fact for fact in _all_below(Fact) if fact.__module__.startswith("apps.")}

    assert declared - set(registry.registered()) == set()


def test_facts_are_declared_in_modules_called_events():
    homes = {fact.__module__.split(".")[2] for fact in registry.registered()}

    assert homes <= {"events"}


def test_names_and_versions_are_unique():
    labels = [registry.label(fact) for fact in registry.registered()]

    assert sorted(set(labels)) == sorted(labels)
