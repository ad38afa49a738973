"""What the chat server asks."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.chat.api.serializers import IntrospectInput, IntrospectOutput
from apps.chat.selectors import viewer_of
from apps.chat.services import read_token
from apps.realtime.errors import TokenInvalidError
from veza.kit.api.signed import IsSigned, SignedCalls


class IntrospectView(APIView):
    """By a signed call."""

    authentication_classes = (SignedCalls,)
    permission_classes = (IsSigned,)

    @extend_schema(
        operation_id="internal_chat_introspect",
        tags=["internal"],
        summary="Whose chat token this is, if it is good",
        description="A signature says that we made it; this says that its session goes on, too.",
        request=IntrospectInput,
        responses={200: IntrospectOutput},
    )
    def post(self, request: Request) -> Response:
        form = IntrospectInput(data=request.data)
        form.is_valid(raise_exception=True)
        headers = {"Cache-Control": "no-store"}
        try:
            claims = read_token(form.validated_data["token"])
            viewer = viewer_of(claims, now=timezone.now())
        except TokenInvalidError:
            return Response({"active": False}, headers=headers)
        body = {
            "active": True,
            "user_id": viewer.user_id,
            "username": viewer.username,
            "roles": sorted(viewer.roles),
            "rooms": list(claims.rooms),
        }
        return Response(body, headers=headers)
