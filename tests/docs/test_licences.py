"""No licence of what we ship forbids ours (Apache-2.0), or asks for more than a notice.

The General Public Licences (GPL, AGPL, SSPL) would; the Lesser one (LGPL) does not, because its
libraries stay separate, replaceable packages.
"""

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution

import pytest
from packaging.requirements import Requirement

from veza.config import ROOT

LOCK = ROOT / "deploy" / "requirements" / "runtime.txt"
LESSER = {"psycopg", "psycopg-binary", "psycopg-pool", "python-crontab"}
PERMISSIVE = re.compile(
    r"MIT|BSD|Apache|ISC|PSF|Python Software Foundation|Python-2|MPL|Mozilla|Zlib|Unlicense|ZPL"
    r"|Zope|0BSD|CC0|PostgreSQL|HPND",
    re.IGNORECASE,
)
RESTRICTIVE = re.compile(r"\b(A?GPL|SSPL)|Affero|GNU General Public|BUSL|Commons Clause")


def locked() -> list[str]:
    lines = LOCK.read_text().splitlines()
    requirements = [Requirement(line.rstrip(" \\")) for line in lines if re.match(r"\w", line)]
    return [r.name for r in requirements if r.marker is None or r.marker.evaluate()]


def licence_of(found: Distribution) -> str:
    meta = found.metadata
    if meta["License-Expression"]:
        return str(meta["License-Expression"])
    classifiers = [
        c.removeprefix("License :: ").removeprefix("OSI Approved :: ")
        for c in meta.get_all("Classifier") or []
        if c.startswith("License ::")
    ]
    if classifiers:
        return "; ".join(classifiers)
    return str(meta["License"] or "").strip().split("\n")[0]


def installed(name: str) -> Distribution:
    try:
        return distribution(name)
    except PackageNotFoundError:
        pytest.skip(f"{name} is not installed in this environment")


@pytest.mark.parametrize("name", locked())
def test_licence_of_what_we_ship(name: str) -> None:
    licence = licence_of(installed(name))
    if "LGPL" in licence or "Lesser" in licence:
        assert name in LESSER, f"{name}: {licence}: add it to docs/operations/licences.md"
    else:
        assert not RESTRICTIVE.search(licence), f"{name}: {licence}"
        assert PERMISSIVE.search(licence), f"{name}: unknown licence {licence!r}"


def test_each_lesser_licence_is_told() -> None:
    page = (ROOT / "docs" / "operations" / "licences.md").read_text()
    assert [name for name in sorted(LESSER) if f"`{name}`" not in page] == []


def test_veza_names_its_own_licence() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
