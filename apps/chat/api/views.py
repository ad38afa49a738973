"""Tokens for the chat server."""

from typing import Any, cast
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.auth.selectors import viewer_of
from apps.auth.types import Claims, Grant
from apps.chat import services
from apps.chat.api.serializers import ChatTokenInput, ChatTokenOutput
from veza.kit.api.requests import absolute_url

SOCKET = "/connection/websocket"


class ChatTokenView(APIView):
    """For who is signed in."""

    @extend_schema(
        operation_id="chat_token",
        tags=["chat"],
        summary="A token for the chat server",
        description=(
            "Lives five minutes, and no longer than the session. A program needs the scopes `read`"
            " and `write`. Without a chat server of its own"
            " `url` is this server's application socket, which takes the token for chat rooms."
        ),
        request=ChatTokenInput,
        responses={
            200: ChatTokenOutput,
            403: OpenApiResponse(description="`insufficient_scope`"),
            404: OpenApiResponse(description="`room_not_found`: a room that one may not join."),
        },
    )
    def post(self, request: Request) -> Response:
        form = ChatTokenInput(data=request.data)
        form.is_valid(raise_exception=True)
        token = services.issue_token(
            viewer=viewer_of(cast(Any, request.user), cast(Claims | Grant, request.auth)),
            rooms=form.validated_data.get("rooms", ()),
            now=timezone.now(),
        )
        body = {"token": token.token, "expires_in": token.expires_in, "url": _url(request)}
        return Response(body, headers={"Cache-Control": "no-store"})


def _url(request: Request) -> str:
    if settings.CHAT_SERVER_URL:
        return str(settings.CHAT_SERVER_URL)
    parts = urlsplit(absolute_url(request, SOCKET))
    scheme = "wss" if parts.scheme == "https" else "ws"
    return urlunsplit((scheme, parts.netloc, parts.path, "", ""))
