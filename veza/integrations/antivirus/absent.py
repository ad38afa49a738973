"""No scanner where one is required: nothing is ever clean, so everything waits."""

from typing import IO

from veza.integrations.antivirus.port import AntivirusUnavailableError, Verdict


class AbsentAntivirus:
    """What ANTIVIRUS_REQUIRED gives an installation without CLAMD_URL."""

    knows_real_threats = False

    def scan(self, stream: IO[bytes]) -> Verdict:
        raise AntivirusUnavailableError(self.version())

    def version(self) -> str:
        return "There is no scanner, and one is required: uploads wait."
