"""HTTP in, one call, HTTP out: the last prices of instruments."""

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.datastream.api.serializers.instruments import PriceOutput
from apps.datastream.api.views.answers import answer
from apps.datastream.selectors import instruments as selectors
from veza.kit.api.renderers import JSONRenderer

AWAY = OpenApiResponse(description="`room_state_unavailable`: the store of last values is away")


class InstrumentsView(APIView):
    """Open to everyone."""

    permission_classes = ()

    @extend_schema(
        operation_id="instruments_list",
        tags=["instruments"],
        summary="All live prices",
        description=(
            "By the names of the instruments, as a bare array of at most 10,000. A price lives"
            " for `LAST_VALUE_TTL_S` after it came in. Live prices are in the rooms"
            " `instrument:{name}`."
        ),
        responses={200: PriceOutput(many=True), 503: AWAY},
        auth=[],
    )
    def get(self, request: Request) -> Response:
        return Response(selectors.list_prices())


class PriceView(APIView):
    """Open to everyone."""

    permission_classes = ()

    @extend_schema(
        operation_id="instruments_price",
        tags=["instruments"],
        summary="The last price of an instrument",
        responses={
            200: PriceOutput,
            304: OpenApiResponse(description="As it was"),
            404: OpenApiResponse(description="`price_not_found`: no live price"),
            503: AWAY,
        },
        auth=[],
    )
    def get(self, request: Request, name: str) -> HttpResponse:
        return answer(request, JSONRenderer().render(selectors.get_price(name)))
