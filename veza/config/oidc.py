"""The OpenID providers that people may sign in by, as JSON in one variable, and where they may
send people back.
"""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
)

from veza.config.kinds import UrlOf, Words

ProviderName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]


def _issuer(value: str) -> str:
    """Compared letter by letter with what the provider says, so nothing about it is changed."""
    UrlOf(("https", "http"))(value)
    if set(value) & {"?", "#", "@", " "}:
        raise ValueError("an issuer has no user, query or fragment")
    return value


class OidcProvider(BaseModel):
    """What has been agreed with one provider."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    issuer: Annotated[str, AfterValidator(_issuer), Field(max_length=255)]
    client_id: Annotated[str, Field(min_length=1, max_length=255)]
    client_secret: SecretStr = Field(min_length=1, max_length=1024)
    label: Annotated[str, Field(min_length=1, max_length=50)]


_PROVIDERS = TypeAdapter(dict[ProviderName, OidcProvider])


def read_providers(value: SecretStr | None) -> dict[str, OidcProvider]:
    """The providers by name. Raises ValueError that names every fault and shows no secret."""
    if value is None:
        return {}
    try:
        providers = _PROVIDERS.validate_json(value.get_secret_value())
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        raise ValueError("; ".join(_told(fault["loc"], fault["msg"]) for fault in faults)) from None
    issuers = [provider.issuer for provider in providers.values()]
    if len(set(issuers)) < len(issuers):
        raise ValueError("two providers have the same issuer")
    return providers


def _told(place: tuple[int | str, ...], message: str) -> str:
    return f"{'.'.join(map(str, place)) or 'JSON'}: {message.removeprefix('Value error, ')}"


def _check(value: SecretStr) -> SecretStr:
    read_providers(value)
    return value


OidcProviders = Annotated[SecretStr, AfterValidator(_check)]


def _check_addresses(values: list[str]) -> list[str]:
    """Apps have schemes of their own; a script is no address, and nothing follows a fragment."""
    for value in values:
        parts = urlsplit(value)
        if parts.scheme in {"", "javascript", "data"} or "#" in value:
            raise ValueError("use whole addresses without a fragment")
    return values


RedirectUris = Annotated[Words, AfterValidator(_check_addresses)]
