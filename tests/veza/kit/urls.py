"""Small views that behave as views do, well and badly."""

from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import OperationalError, connection
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.http import require_GET
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.generics import ListAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from veza.kit import errors
from veza.kit.api.etags import check_if_match, etag_of, not_modified, set_etag
from veza.kit.api.idempotency import IdempotentMixin
from veza.kit.api.parsers import StrictJSONParser
from veza.kit.api.signed import IsSigned, SignedCalls
from veza.kit.api.throttling import spend
from veza.kit.context import current_request_id

handler400 = "veza.kit.api.problems.bad_request"
handler403 = "veza.kit.api.problems.permission_denied"
handler404 = "veza.kit.api.problems.page_not_found"
handler500 = "veza.kit.api.problems.server_error"


class Anonymous(APIView):
    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]


class LinkInput(serializers.Serializer):
    title = serializers.CharField(max_length=10)
    url = serializers.URLField()


class PersonInput(serializers.Serializer):
    name = serializers.CharField(max_length=50)
    age = serializers.IntegerField(required=False)
    links = LinkInput(many=True, required=False)


class EchoView(Anonymous):
    """Says what it was told."""

    @extend_schema(request=PersonInput, responses=PersonInput)
    def post(self, request: Request) -> Response:
        return Response(request.data)


class PersonView(Anonymous):
    @extend_schema(request=PersonInput, responses=PersonInput)
    def post(self, request: Request) -> Response:
        form = PersonInput(data=request.data)
        form.is_valid(raise_exception=True)
        return Response(form.validated_data, status=201)


class ProtectedView(APIView):
    """Keeps the defaults of the settings."""

    @extend_schema(responses=PersonInput)
    def get(self, request: Request) -> Response:
        return Response({"name": "you"})


class IntervalInput(serializers.Serializer):
    every = serializers.IntegerField(min_value=1)
    then = serializers.CharField(required=False)


class IntervalView(IdempotentMixin, Anonymous):
    """Makes a row, and then does what it is told."""

    @extend_schema(request=IntervalInput, responses={201: IntervalInput})
    def post(self, request: Request) -> Response:
        form = IntervalInput(data=request.data)
        form.is_valid(raise_exception=True)
        row = IntervalSchedule.objects.create(every=form.validated_data["every"], period="days")
        match form.validated_data.get("then"):
            case "conflict":
                raise errors.ConflictError
            case "invalid":
                raise errors.InvalidError
            case "bug":
                raise RuntimeError("a bug")
            case "sleep":
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_sleep(0.3)")
        return Response({"id": row.pk}, status=201, headers={"Location": f"/intervals/{row.pk}"})


class IntervalViewSet(IdempotentMixin, viewsets.ViewSet):
    authentication_classes: list[Any] = []
    parser_classes = [StrictJSONParser, MultiPartParser]
    permission_classes = [AllowAny]

    @extend_schema(request=IntervalInput, responses={201: IntervalInput})
    def create(self, request: Request) -> Response:
        row = IntervalSchedule.objects.create(every=3, period="days")
        return Response({"id": row.pk}, status=201)


class TaskOutput(serializers.ModelSerializer):
    class Meta:
        model = PeriodicTask
        fields = ["id", "name", "expires", "expire_seconds", "date_changed"]


class TaskListView(ListAPIView):
    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]
    queryset = PeriodicTask.objects.all()
    serializer_class = TaskOutput
    ordering_fields = {
        "name": "name",
        "expires": "expires",
        "seconds": "expire_seconds",
        "runs": "total_run_count",
        "changed": "date_changed",
    }
    ordering = "-changed"


class DocumentView(Anonymous):
    """A resource at version 7."""

    is_conditional = True

    @extend_schema(responses=PersonInput)
    def get(self, request: Request) -> HttpResponse:
        etag = etag_of("document", 7)
        answer = (
            HttpResponse(status=304) if not_modified(request, etag) else Response({"name": "x"})
        )
        set_etag(answer, etag)
        return answer

    @extend_schema(request=PersonInput, responses=PersonInput)
    def patch(self, request: Request) -> Response:
        check_if_match(request, etag_of("document", 7))
        return Response({"name": "y"})


class LoginView(Anonymous):
    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        spend(scope="login", key=request.query_params["account"], per_minute=3)
        return Response(status=204)


class WhoView(Anonymous):
    @extend_schema(responses=PersonInput)
    def get(self, request: Request) -> Response:
        return Response(
            {
                "request_id": current_request_id(),
                "address": request.META["REMOTE_ADDR"],
                "is_secure": request.is_secure(),
            }
        )


FAILURES: dict[str, BaseException] = {
    "missing": errors.NotFoundError("There is no such track.", track_id="7"),
    "gone": errors.GoneError(),
    "throttled": errors.ThrottledError(retry_after_s=17),
    "upstream": errors.UpstreamError(),
    "full": errors.StorageFullError(),
    "unauthenticated": errors.UnauthenticatedError(),
    "http404": Http404("secret"),
    "denied": PermissionDenied("secret"),
    "suspicious": SuspiciousOperation("secret"),
    "bug": RuntimeError("secret"),
    "database": OperationalError("secret"),
}


class FailingView(Anonymous):
    @extend_schema(responses=PersonInput)
    def get(self, request: Request, kind: str) -> Response:
        raise FAILURES[kind]


def failing_function(request: HttpRequest, kind: str) -> HttpResponse:
    raise FAILURES[kind]


class SlowQueryView(Anonymous):
    @extend_schema(responses=PersonInput)
    def get(self, request: Request) -> Response:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 20")
            cursor.execute("SELECT pg_sleep(5)")
        return Response()


class OutOfRangeView(Anonymous):
    @extend_schema(responses=PersonInput)
    def get(self, request: Request) -> Response:
        IntervalSchedule.objects.create(every=2**40, period="days")
        return Response()


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("<h1>A page</h1>")


class SignedView(APIView):
    authentication_classes = [SignedCalls]
    permission_classes = [IsSigned]

    @extend_schema(operation_id="signed_get", responses=PersonInput)
    def get(self, request: Request) -> Response:
        return Response({})

    @extend_schema(operation_id="signed_post", request=PersonInput, responses=PersonInput)
    def post(self, request: Request) -> Response:
        return Response(request.data)


urlpatterns = [
    path("api/v1/internal/signed", SignedView.as_view()),
    path("api/v1/echo", EchoView.as_view()),
    path("api/v1/people", PersonView.as_view()),
    path("api/v1/protected", ProtectedView.as_view()),
    path("api/v1/intervals", IntervalView.as_view()),
    path("api/v1/interval-set", IntervalViewSet.as_view({"post": "create"})),
    path("api/v1/tasks", TaskListView.as_view()),
    path("api/v1/document", DocumentView.as_view()),
    path("api/v1/login", LoginView.as_view()),
    path("api/v1/who", WhoView.as_view()),
    path("api/v1/failing/<str:kind>", FailingView.as_view()),
    path("api/v1/slow", SlowQueryView.as_view()),
    path("api/v1/out-of-range", OutOfRangeView.as_view()),
    path("api/v1/internal/who", WhoView.as_view()),
    path("function/<str:kind>", failing_function),
    path("page", page),
]
