"""The product's own way to hash passwords, at a cost that is still seen and soon paid."""

from django.contrib.auth.hashers import BCryptSHA256PasswordHasher

from tests.settings import *  # noqa: F403


class CheaperHasher(BCryptSHA256PasswordHasher):
    """2**9 rounds instead of 2**12."""

    rounds = 9


PASSWORD_HASHERS = ["tests.journeys.security.costly_settings.CheaperHasher"]
