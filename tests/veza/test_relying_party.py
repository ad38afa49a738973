"""To whom passkeys belong."""

import pytest

from veza.settings.passkeys import relying_party


@pytest.mark.parametrize(
    ("public_url", "domain", "expected"),
    [
        ("https://veza.example", "", ("veza.example", ["https://veza.example"])),
        ("https://api.veza.example:8443/x", "veza.example",
         ("veza.example", ["https://api.veza.example:8443"])),
        ("http://127.0.0.1:8000", "", ("localhost", ["http://localhost:8000"])),
        ("http://[::1]:8000", "", ("localhost", ["http://localhost:8000"])),
    ],
)  # fmt: skip
def test_follows_from_the_public_address(public_url, domain, expected):
    assert relying_party(public_url=public_url, domain=domain, other_origins=[]) == expected


def test_takes_pages_that_may_call():
    _, origins = relying_party(
        public_url="https://api.veza.example",
        domain="veza.example",
        other_origins=["https://app.veza.example", "https://api.veza.example"],
    )

    assert origins == ["https://api.veza.example", "https://app.veza.example"]
