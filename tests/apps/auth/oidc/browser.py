"""A browser as a program: signs in as ada at the address that it is given, and comes back."""

import sys

import httpx

from tests.apps.auth.oidc.pages import back_from

if __name__ == "__main__":
    httpx.get(back_from(sys.argv[1], login="ada"), trust_env=False)
