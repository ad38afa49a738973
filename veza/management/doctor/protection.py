"""Settings and secrets: what would let a stranger in."""

from django.conf import settings
from django.core.checks import WARNING, run_checks

from veza.config import is_weak_secret
from veza.management.doctor.finding import Finding, fault, ok, warning

MAKE = "python -c 'import secrets; print(secrets.token_urlsafe(48))'"


def check_settings() -> Finding:
    """Django's own checks and ours; in production those for production too."""
    is_production = settings.VEZA_ENV == "production"
    told = [
        each
        for each in run_checks(include_deployment_checks=is_production)
        if each.level >= WARNING and not each.is_silenced()
    ]
    if not told:
        return ok(settings.VEZA_ENV)
    first = told[0]
    detail = " ".join(f"{first.msg} ({first.id})".split())
    more = f" And {len(told) - 1} more." if len(told) > 1 else ""
    return warning(detail + more, mend="Read `manage.py check --deploy`: it tells each in full.")


def check_debug() -> Finding:
    """Pages of errors show settings and code."""
    if not settings.DEBUG:
        return ok("off")
    mend = "Unset DEBUG."
    if settings.VEZA_ENV == "production":
        return fault("DEBUG is on in production.", mend=mend)
    return warning("DEBUG is on: strangers who reach this machine see its settings.", mend=mend)


def check_secrets() -> Finding:
    """Long enough, random enough, and each used for one purpose."""
    found = {
        "SECRET_KEY": [settings.SECRET_KEY],
        "ENCRYPTION_KEYS": settings.ENCRYPTION_KEYS,
        "INTERNAL_API_SECRET": settings.INTERNAL_API_SECRETS,
        "CHAT_TOKEN_SECRET": [settings.CHAT_TOKEN_SECRET],
    }
    weak = [name for name, values in found.items() if any(map(is_weak_secret, values or [""]))]
    if weak:
        return fault(f"{', '.join(weak)} can be guessed.", mend=f"Make new ones: `{MAKE}`.")
    values = [value for each in found.values() for value in each]
    if len(values) != len(set(values)):
        detail = "Two secrets are the same: who learns one has the other."
        return fault(detail, mend=f"Make one for each purpose: `{MAKE}`.")
    return ok(f"{len(values)} secrets")


def check_hosts() -> Finding:
    """Links in mails and answers are made of the host."""
    if settings.VEZA_ENV != "production":
        return ok(settings.PUBLIC_URL)
    if "*" in settings.ALLOWED_HOSTS:
        return fault("Any host is answered.", mend="Set ALLOWED_HOSTS to the names that are yours.")
    if not settings.IS_HTTPS:
        return fault(
            f"PUBLIC_URL is {settings.PUBLIC_URL or 'not set'}.",
            mend="Set PUBLIC_URL to the https:// address that people use.",
        )
    return ok(settings.PUBLIC_URL)
