"""The configuration of this process.

This is the only module that reads the process environment. Django's settings are built from
it, and everything else reads those. The settings are declared in `veza.config.declarations`.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationError

from veza.config.declarations import ROOT, Config
from veza.config.oidc import read_providers
from veza.embedded import state

__all__ = ["ROOT", "Config", "ConfigError", "config", "load"]

MIN_SECRET_LENGTH = 32
MIN_SECRET_VARIETY = 10
OWN_SECRETS = (
    "secret_key",
    "encryption_keys",
    "internal_api_secret",
    "chat_token_secret",
    "metrics_token",
)


class ConfigError(Exception):
    """The environment cannot start this process; the message names every fault."""


def load(environ: Mapping[str, str]) -> Config:
    """The configuration that `environ` describes. Raises ConfigError with all its faults."""
    values, faults = _read(environ)
    if values.get("veza_env", "embedded") == "embedded":
        faults |= _fill_in_secrets(values)
    config, more = _build(values)
    faults = _half_set(config) | faults | more
    if config.is_production:
        faults = _production_faults(config, already_told=faults) | faults
    if faults:
        raise ConfigError(
            "The configuration is not valid:\n"
            + "\n".join(f"  {fault}" for fault in faults.values())
            + "\nEvery setting is explained in docs/operations/configuration.md."
        )
    return config


def _read(environ: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Each variable itself, or the contents of the file that VARIABLE_FILE names."""
    values: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for name in Config.model_fields:
        variable = name.upper()
        raw, path = environ.get(variable, ""), environ.get(f"{variable}_FILE", "")
        if raw and path:
            faults[name] = f"{variable}: set it or {variable}_FILE, not both"
        elif path:
            try:
                raw = Path(path).read_text(encoding="utf-8").strip()
            except (OSError, ValueError) as fault:
                faults[name] = f"{variable}_FILE: cannot read {path}: {fault}"
        if raw:
            values[name] = raw
    return values, faults


def _fill_in_secrets(values: dict[str, Any]) -> dict[str, str]:
    data_dir = Path(values.get("veza_data_dir", Config.model_fields["veza_data_dir"].default))
    try:
        known = state.load_secrets(data_dir)
    except (OSError, ValueError) as fault:
        told = f"VEZA_DATA_DIR: cannot keep the embedded secrets in {data_dir}: {fault}"
        return {"veza_data_dir": told}
    for name, secret in known.items():
        values.setdefault(name.lower(), secret)
    return {}


def _build(values: dict[str, Any]) -> tuple[Config, dict[str, str]]:
    """The configuration without the settings that are not valid, and what is wrong with those."""
    try:
        return Config(**values), {}
    except ValidationError as error:
        faults = {
            str(fault["loc"][0]): fault["msg"].removeprefix("Value error, ")
            for fault in error.errors(include_url=False, include_input=False)
        }
    valid = {name: value for name, value in values.items() if name not in faults}
    told = {name: f"{name.upper()}: {message}" for name, message in faults.items()}
    return Config(**valid), told


def _half_set(config: Config) -> dict[str, str]:
    """Settings that mean nothing without another."""
    faults = {}
    if config.s3_bucket is None and (config.s3_endpoint_url or config.s3_access_key_id):
        faults["s3_bucket"] = "S3_BUCKET: set it, too, or no other S3_ setting: files go to disk"
    if (config.s3_access_key_id is None) != (config.s3_secret_access_key is None):
        faults["s3_access_key_id"] = "S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY: set both or none"
    if config.file_delivery == "nginx" and config.s3_bucket:
        faults["file_delivery"] = "FILE_DELIVERY: nginx reads files on disk, not those of S3_BUCKET"
    if config.file_delivery == "redirect" and not config.s3_bucket:
        faults["file_delivery"] = "FILE_DELIVERY: redirect leads to S3_BUCKET, set it, too"
    if (config.webtransport_certificate is None) != (config.webtransport_private_key is None):
        faults["webtransport_certificate"] = (
            "WEBTRANSPORT_CERTIFICATE and WEBTRANSPORT_PRIVATE_KEY: set both or none"
        )
    if config.webtransport_url and not config.webtransport_url.startswith("https://"):
        faults["webtransport_url"] = "WEBTRANSPORT_URL: begins with https://"
    if config.cdn_url and config.file_delivery != "redirect":
        faults["cdn_url"] = "CDN_URL: needs FILE_DELIVERY=redirect"
    return faults


def _production_faults(config: Config, *, already_told: Mapping[str, str]) -> dict[str, str]:
    faults = {
        name: f"{name.upper()}: production needs it set"
        for name, field in Config.model_fields.items()
        if _is_required(field.json_schema_extra)
        and not getattr(config, name)
        and name not in already_told
    }
    for name in OWN_SECRETS:
        if any(is_weak_secret(secret) for secret in _secrets_in(config, name)):
            faults[name] = (
                f"{name.upper()}: too weak, use at least {MIN_SECRET_LENGTH} random characters"
                " (openssl rand -base64 48)"
            )
    if config.debug:
        faults["debug"] = "DEBUG: production never shows debug pages, unset it"
    if config.webhook_allowed_cidrs:
        faults["webhook_allowed_cidrs"] = (
            "WEBHOOK_ALLOWED_CIDRS: is for tests, production refuses it"
        )
    if any(
        each.issuer.startswith("http:") for each in read_providers(config.oidc_providers).values()
    ):
        faults["oidc_providers"] = "OIDC_PROVIDERS: production takes https issuers only"
    if "*" in config.allowed_hosts:
        faults["allowed_hosts"] = "ALLOWED_HOSTS: name the hosts, production refuses *"
    return faults


def _is_required(extra: object) -> bool:
    return isinstance(extra, Mapping) and bool(extra.get("required"))


def _secrets_in(config: Config, name: str) -> list[str]:
    """The setting's secrets: ENCRYPTION_KEYS alone may hold several."""
    value: SecretStr | None = getattr(config, name)
    if value is None:
        return []
    text = value.get_secret_value()
    return text.split(",") if name == "encryption_keys" else [text]


def is_weak_secret(secret: str) -> bool:
    return len(secret) < MIN_SECRET_LENGTH or len(set(secret)) < MIN_SECRET_VARIETY


try:
    config = load(os.environ)
except ConfigError as fault:
    sys.exit(str(fault))
