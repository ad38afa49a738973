"""A browser that follows the pages of oidc-provider."""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.patience import PATIENCE_S


def sign_in_there(authorization_url: str, *, login: str) -> dict[str, str]:
    """A person signs in at the provider and consents; with what the browser comes back to us."""
    return query_of(back_from(authorization_url, login=login))


def back_from(authorization_url: str, *, login: str) -> str:
    """The same; the whole address at which the browser comes back."""
    callback = query_of(authorization_url)["redirect_uri"]
    with httpx.Client(timeout=PATIENCE_S, trust_env=False) as browser:
        response = browser.get(authorization_url)
        while True:
            if response.next_request is None:
                response = _submit(browser, response, login=login)
            elif str(response.next_request.url).startswith(callback):
                return str(response.next_request.url)
            else:
                response = browser.get(response.next_request.url)


def _submit(browser: httpx.Client, page: httpx.Response, *, login: str) -> httpx.Response:
    assert page.status_code == 200, page.text
    [prompt] = re.findall(r'name="prompt" value="(\w+)"', page.text)
    [action] = re.findall(r'<form[^>]* action="([^"]+)"', page.text)
    form = {"login": login, "password": "any", "prompt": prompt}
    return browser.post(page.url.join(unescape(action)), data=form)


def query_of(address: str) -> dict[str, str]:
    """The parameters of an address, each of which stands there once."""
    return {name: value for name, [value] in parse_qs(urlsplit(address).query).items()}
