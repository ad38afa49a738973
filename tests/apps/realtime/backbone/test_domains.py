"""The registry of what clients may send."""

from dataclasses import replace

import pytest

from apps.realtime import domains
from apps.realtime.domains import Role


def test_a_type_has_one_domain() -> None:
    known = domains.find("price_update")
    assert known is not None
    assert (known.domain, known.sent_by, known.is_to_room) == ("trading", Role.INGESTOR, False)
    with pytest.raises(ValueError, match="registered by the domain trading"):
        domains.register(replace(known, domain="other"))
    assert domains.find("price_update") is known


def test_talk_is_for_consumers_in_rooms() -> None:
    known = domains.find("message")
    assert known is not None
    assert (known.domain, known.sent_by, known.is_to_room) == ("chat", Role.CONSUMER, True)
