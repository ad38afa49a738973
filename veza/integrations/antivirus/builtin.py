"""The scanner of the embedded default: it knows the EICAR test file and nothing else."""

from typing import IO

from veza.integrations.antivirus.port import Verdict

# https://www.eicar.org/download-anti-malware-testfile/
# In two parts, so that no scanner takes this file for the thing itself.
EICAR = (r"X5O!P%@AP[4\PZX54(P^)7CC)7}" + "$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*").encode()
CHUNK_BYTES = 256 * 1024


class BuiltinAntivirus:
    """Finds the test file wherever it stands in the plain bytes; inside archives it does not look.

    With it the road of an infected file can be tried; no one is protected by it.
    """

    knows_real_threats = False

    def scan(self, stream: IO[bytes]) -> Verdict:
        kept = b""
        while chunk := stream.read(CHUNK_BYTES):
            window = kept + chunk
            if EICAR in window:
                return Verdict(is_clean=False, signature="Eicar-Test-Signature")
            kept = window[-len(EICAR) + 1 :]
        return Verdict(is_clean=True)

    def version(self) -> str:
        return "built-in: knows the EICAR test file only"
