"""The search."""

from dataclasses import asdict
from functools import partial
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.discovery.api.serializers import SEARCH_OUTPUT, SearchInput
from apps.discovery.selectors import search
from apps.discovery.types import Asking, Kind
from veza.kit.api.requests import absolute_url


class SearchView(APIView):
    """For everyone."""

    permission_classes = (IsAuthenticatedOrReadOnly,)

    @extend_schema(
        operation_id="search",
        tags=["search"],
        summary="Search tracks, people and playlists at once",
        description=(
            "Each list has the best first. Tracks: public ones, and the caller's own that are"
            " ready. Accents and case do not count; where nothing holds the words, words that are"
            " alike do, if the database can tell."
        ),
        parameters=[SearchInput],
        responses={200: SEARCH_OUTPUT},
    )
    def get(self, request: Request) -> Response:
        form = SearchInput(data=request.query_params)
        form.is_valid(raise_exception=True)
        told = form.validated_data
        user = request.user
        found = search(
            Asking(text=told["q"], kinds=told.get("type", tuple(Kind)), limit=told["limit"]),
            user_id=UUID(str(user.pk)) if user and user.is_authenticated else None,
            address=partial(absolute_url, request),
            now=timezone.now(),
        )
        return Response({name: [asdict(each) for each in rows] for name, rows in found.items()})
