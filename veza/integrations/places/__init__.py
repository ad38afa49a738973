"""Where a network address is, as far as a database of such says (MaxMind's format, GeoIP2 City).

GEOIP_DATABASE names the file; without it no place is known. It is opened once and read from
memory, which takes microseconds and asks nobody.
"""

from functools import cache
from typing import Any

import structlog
from django.conf import settings

try:
    import maxminddb
except ImportError:  # the extra `geo` is not installed
    maxminddb = None  # type: ignore[assignment] # its absence is told at the first question

logger = structlog.get_logger(__name__)


def place_of(address: str | None) -> str | None:
    """Such as "Lyon, France", in English; None when it is not known."""
    found = _find(address)
    names = [_name(found.get(kind)) for kind in ("city", "country")]
    return ", ".join(name for name in names if name) or None


def country_of(address: str | None) -> str | None:
    """Such as "FR" (ISO 3166-1); None when it is not known."""
    country = _find(address).get("country")
    code = country.get("iso_code") if isinstance(country, dict) else None
    return str(code) if code else None


def _find(address: str | None) -> dict[str, Any]:
    database = _open(settings.GEOIP_DATABASE) if settings.GEOIP_DATABASE else None
    if database is None or not address:
        return {}
    try:
        found: Any = database.get(address)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


@cache
def _open(path: str) -> Any:
    if maxminddb is None:
        logger.warning("places_unknown", reason="GEOIP_DATABASE needs the extra `geo`")
        return None
    try:
        return maxminddb.open_database(path, maxminddb.MODE_MEMORY)
    except (OSError, maxminddb.InvalidDatabaseError) as fault:
        logger.warning("places_unknown", reason=str(fault))
        return None


def _name(part: object) -> str:
    names = part.get("names") if isinstance(part, dict) else None
    return str(names.get("en", "")) if isinstance(names, dict) else ""
