"""Files that others send for us, once we have said that this caller may have them."""

import re

from django.conf import settings
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from veza.integrations.object_storage import ObjectStat, object_storage

INTERNAL = "/_files/"
"""A location of deploy/nginx that only answers of ours lead to."""
LINK_S = 600
"""Life of an address of the bucket."""
KEPT_S = 300
"""So long a redirect to it may be kept: whoever follows it last still has as long again."""
SPREAD_S = 5
"""For so long nginx may believe that a folder can be read: what is revoked ends within it."""
_MAX_AGE = re.compile(r"max-age=([0-9]+)")


def hand_over(stat: ObjectStat) -> HttpResponse:
    """nginx answers with the file instead: it sees to ranges, conditions and HEAD."""
    response = HttpResponse()
    response["X-Accel-Redirect"] = f"{INTERNAL}{stat.key}"
    return response


def spread(response: HttpResponseBase, folder: str, *, left_s: int | None) -> HttpResponseBase:
    """Tell nginx that what it was handed over stands for all of this folder, to everybody with the
    same address but for the name of the file; nothing for an empty one, which it remembers, too.
    """
    if response.has_header("X-Accel-Redirect"):
        kept_s = SPREAD_S if left_s is None or not folder else max(0, min(SPREAD_S, left_s))
        response["X-Accel-Expires"] = str(kept_s)
        if folder:
            response["X-Veza-Folder"] = folder
    return response


def redirect(stat: ObjectStat, *, caching: str, filename: str) -> HttpResponse:
    """To the CDN what everyone may have, else to the bucket by an address that soon expires."""
    is_shared = caching.startswith("public")
    if settings.CDN_URL and is_shared and not filename:
        location = f"{settings.CDN_URL.rstrip('/')}/{stat.key}"
    else:
        location = object_storage().signed_url(
            stat.key, now=timezone.now(), lifetime_s=LINK_S, filename=filename, caching=caching
        )
    response = HttpResponse(status=302)
    response["Location"] = location
    response["Cache-Control"] = _no_longer_than_the_link(caching, is_shared=is_shared)
    return response


def _no_longer_than_the_link(caching: str, *, is_shared: bool) -> str:
    found = _MAX_AGE.search(caching)
    left_s = min(KEPT_S, int(found[1])) if found else 0
    return f"{'public' if is_shared else 'private'}, max-age={left_s}"
