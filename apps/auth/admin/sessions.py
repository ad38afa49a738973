"""Who is signed in where."""

from datetime import datetime

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from apps.auth.admin.actors import actor_of
from apps.auth.models import Session
from apps.auth.services import sessions
from apps.auth.types import AuthPermission, RevokedReason
from veza.kit.operators import OperatorPage, Plan, ask_about_rows


@admin.register(Session)
class SessionAdmin(OperatorPage):
    """Who is signed in where."""

    see = AuthPermission.READ_USERS
    list_display = ["user", "user_agent", "ip", "created_at", "last_used_at", "state"]
    list_filter = ["revoked_reason"]
    list_select_related = ["user"]
    search_fields = ["user__username", "user__email", "ip"]
    ordering = ["-last_used_at", "-id"]
    actions = ["revoke"]

    @admin.display(description="state")
    def state(self, session: Session) -> str:
        return _state(session, now=timezone.now())

    def has_manage_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(AuthPermission.MANAGE_USERS))

    @admin.action(description="End these sessions", permissions=["manage"])
    def revoke(self, request: HttpRequest, chosen: QuerySet[Session]) -> HttpResponse | None:
        effects = ["What is signed in here is signed out within seconds; nobody is kept out."]
        plan = Plan(title="End sessions", effects=effects, button="End them", back="")
        if page := ask_about_rows(request, self, chosen, plan):
            return page
        for session in chosen:
            sessions.revoke_session(
                session_id=session.id,
                reason=RevokedReason.BY_OPERATOR,
                now=timezone.now(),
                actor=actor_of(request),
            )
        self.done(request, f"{len(chosen)} sessions ended.")
        return None


def _state(session: Session, *, now: datetime) -> str:
    if session.revoked_at is not None:
        return session.get_revoked_reason_display()
    return "live" if session.expires_at > now else "expired"
