"""An authenticator in software: makes passkeys and answers challenges (WebAuthn level 3)."""

import base64
import json
from hashlib import sha256
from secrets import token_bytes
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

PRESENT, VERIFIED, HAS_KEY = 0x01, 0x04, 0x40


class Authenticator:
    """Holds one key, and says that its person was there and proved it."""

    def __init__(self, *, domain: str, origin: str) -> None:
        self.id = token_bytes(32)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._domain = domain
        self._origin = origin

    @property
    def public_key(self) -> bytes:
        """As COSE writes it (RFC 9053): EC2, ES256, P-256."""
        numbers = self._key.public_key().public_numbers()
        x, y = (number.to_bytes(32, "big") for number in (numbers.x, numbers.y))
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})

    def create(self, challenge: str) -> dict[str, Any]:
        """What the browser sends after `navigator.credentials.create`."""
        key = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + self.public_key
        authenticator_data = self._data(PRESENT | VERIFIED | HAS_KEY) + key
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": authenticator_data})
        told = self._client_data("webauthn.create", challenge)
        return self._credential(clientDataJSON=encode(told), attestationObject=encode(attestation))

    def get(self, challenge: str) -> dict[str, Any]:
        """What the browser sends after `navigator.credentials.get`."""
        data, told = self._data(PRESENT | VERIFIED), self._client_data("webauthn.get", challenge)
        signature = self._key.sign(data + sha256(told).digest(), ec.ECDSA(hashes.SHA256()))
        return self._credential(
            clientDataJSON=encode(told), authenticatorData=encode(data), signature=encode(signature)
        )

    def _data(self, flags: int) -> bytes:
        return sha256(self._domain.encode()).digest() + bytes([flags]) + bytes(4)

    def _client_data(self, kind: str, challenge: str) -> bytes:
        told = {"type": kind, "challenge": challenge, "origin": self._origin}
        return json.dumps(told).encode()

    def _credential(self, **response: str) -> dict[str, Any]:
        name = encode(self.id)
        return {"id": name, "rawId": name, "type": "public-key", "response": response}


def encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
