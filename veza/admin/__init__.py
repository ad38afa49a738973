"""The admin site: its look, its policy for browsers, who may enter and how."""

from veza.admin.site import ADMIN_POLICY, VezaAdminSite, environment

__all__ = ["ADMIN_POLICY", "VezaAdminSite", "environment"]
