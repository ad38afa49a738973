"""JSON as it leaves: compact, UTF-8, times in UTC."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from rest_framework import renderers
from rest_framework.utils.encoders import JSONEncoder


class WireEncoder(JSONEncoder):
    """Times as RFC 3339 in UTC ending in Z, durations in milliseconds, decimals as strings."""

    def default(self, obj: Any) -> Any:
        if isinstance(obj, datetime):
            return obj.astimezone(UTC).isoformat().replace("+00:00", "Z")
        if isinstance(obj, timedelta):
            return obj // timedelta(milliseconds=1)
        if isinstance(obj, Decimal):
            return str(obj)
        return super().default(obj)


class JSONRenderer(renderers.JSONRenderer):
    """The one representation of the API."""

    encoder_class = WireEncoder
    ensure_ascii = False
    compact = True
    strict = True
