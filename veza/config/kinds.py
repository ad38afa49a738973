"""What a setting may hold, and how it is declared."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic.config import JsonDict
from pydantic_settings import NoDecode


@dataclass(frozen=True)
class UrlOf:
    """Accepts a URL with one of the schemes, and drops a slash at its end."""

    schemes: tuple[str, ...]

    def __call__(self, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in self.schemes or not (parts.netloc or parts.path.strip("/")):
            raise ValueError(f"use a URL that begins with {self}")
        try:
            _ = parts.port
        except ValueError:
            raise ValueError("the port of the URL is not a number from 1 to 65535") from None
        return value.rstrip("/")

    def __str__(self) -> str:
        return " or ".join(f"{scheme}://" for scheme in self.schemes)


def _split(value: object) -> object:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _is_build(value: str) -> str:
    if value not in ("builtin", "off") and not (Path(value) / "index.html").is_file():
        raise ValueError("use builtin, off, or a folder that holds an index.html")
    return value


Words = Annotated[list[str], NoDecode, BeforeValidator(_split)]
Numbers = Annotated[list[int], NoDecode, BeforeValidator(_split)]
Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=1)]
HttpUrl = Annotated[str, AfterValidator(UrlOf(("http", "https")))]
SocketUrl = Annotated[str, AfterValidator(UrlOf(("http", "https", "ws", "wss")))]
PostgresUrl = Annotated[str, AfterValidator(UrlOf(("postgres", "postgresql")))]
RedisUrl = Annotated[str, AfterValidator(UrlOf(("redis", "rediss")))]
AmqpUrl = Annotated[str, AfterValidator(UrlOf(("amqp", "amqps")))]
NatsUrl = Annotated[str, AfterValidator(UrlOf(("nats", "tls")))]
ClamdUrl = Annotated[str, AfterValidator(UrlOf(("tcp", "unix")))]
WebClient = Annotated[str, AfterValidator(_is_build)]
MailProvider = Literal["brevo", "mailersend", "postmark", "resend", "sendgrid", "sparkpost"]
SmtpUrl = Annotated[str, AfterValidator(UrlOf(("smtp", "smtps")))]


def setting(
    default: Any, about: str, *, group: str, planned: bool = False, required: bool = False
) -> Any:
    """Declare a setting.

    `planned` marks a name that is reserved and checked but steers nothing yet; `required` one
    that production does not start without.
    """
    extra: JsonDict = {"group": group, "planned": planned, "required": required}
    return Field(default=default, description=about, json_schema_extra=extra)
