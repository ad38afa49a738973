"""Where links in mails lead until a front end takes them (FRONTEND_URL): two plain pages.

The key stands in the address's fragment, which no server sees; the page's script sends it to the
API when a person presses the button, so a program that only follows links spends nothing.
"""

from csp.decorators import csp
from django.utils.decorators import method_decorator
from django.views.generic import TemplateView

from veza.pages.site import PAGE_POLICY


@method_decorator(csp(PAGE_POLICY), name="dispatch")
class VerifyEmailView(TemplateView):
    """Proves an address."""

    template_name = "veza/verify_email.html"
    http_method_names = ["get", "head", "options"]


@method_decorator(csp(PAGE_POLICY), name="dispatch")
class ResetPasswordView(TemplateView):
    """Asks for the mail, and with its key for a new password."""

    template_name = "veza/reset_password.html"
    http_method_names = ["get", "head", "options"]
