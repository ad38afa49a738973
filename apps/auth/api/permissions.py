"""What a caller needs besides being signed in."""

from django.utils import timezone
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.auth.errors import StepUpRequiredError
from apps.auth.services.step_up import require_step_up
from apps.auth.types import Claims


class HasSession(BasePermission):
    """Signed in as a person: tokens of programs manage neither sessions nor credentials."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Raises StepUpRequiredError for the token of a program."""
        if request.user and request.user.is_authenticated and not isinstance(request.auth, Claims):
            raise StepUpRequiredError
        return isinstance(request.auth, Claims)


class SteppedUp(BasePermission):
    """His session has proven itself within ten minutes, by signing in or by `/auth/step-up`.

    What is no session (a token of a program) can never do so.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Raises StepUpRequiredError."""
        if not isinstance(request.auth, Claims):
            raise StepUpRequiredError
        require_step_up(request.auth.session_id, now=timezone.now())
        return True


class SteppedUpToLink(SteppedUp):
    """Open to everyone; who is signed in adds a way into his account, so he has to prove it."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Raises StepUpRequiredError."""
        return request.auth is None or super().has_permission(request, view)
