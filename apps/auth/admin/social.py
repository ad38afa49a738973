"""Logins at OpenID providers by which people sign in."""

from django.contrib import admin

from apps.auth.models import SocialIdentity
from apps.auth.selectors import find_provider_of
from apps.auth.types import AuthPermission
from veza.kit.operators import OperatorPage


@admin.register(SocialIdentity)
class SocialIdentityAdmin(OperatorPage):
    """Whose login at which provider opens which account."""

    see = AuthPermission.READ_USERS
    list_display = ["user", "provider", "email", "created_at", "last_used_at"]
    list_filter = ["issuer"]
    list_select_related = ["user"]
    search_fields = ["user__username", "user__email", "email", "=subject"]
    search_help_text = "A user, an address, or the whole subject at the provider"
    ordering = ["-created_at", "-id"]
    fields = ["id", "user", "provider", "issuer", "subject", "email", "created_at", "last_used_at"]
    readonly_fields = ["provider"]

    @admin.display(description="provider")
    def provider(self, identity: SocialIdentity) -> str:
        known = find_provider_of(identity.issuer)
        return known.label if known else f"{identity.issuer} (not set up)"
