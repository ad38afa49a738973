"""Is a file safe to keep? The port. The adapter is ANTIVIRUS_BACKEND's."""

from veza.integrations.antivirus.port import (
    Antivirus,
    AntivirusUnavailableError,
    ScanCutError,
    ScanLimitError,
    Verdict,
)
from veza.kit.backends import backend

__all__ = [
    "Antivirus",
    "AntivirusUnavailableError",
    "ScanCutError",
    "ScanLimitError",
    "Verdict",
    "antivirus",
]


def antivirus() -> Antivirus:
    """The scanner of this installation."""
    adapter: Antivirus = backend("ANTIVIRUS_BACKEND")
    return adapter
