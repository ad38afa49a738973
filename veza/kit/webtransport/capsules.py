"""Capsules (RFC 9297) on the stream of a session: what closes it, and what we pass over."""

from aioquic.buffer import (  # type: ignore[attr-defined] # it names them, unlike a stub would
    Buffer,
    BufferReadError,
    encode_uint_var,
)

CLOSE_SESSION = 0x2843
MAX_REASON_BYTES = 1024
_MAX_HEAD_BYTES = 16
_CODE_BYTES = 4


def close_capsule(code: int, reason: str) -> bytes:
    """CLOSE_WEBTRANSPORT_SESSION, with which a side says why it goes."""
    payload = code.to_bytes(_CODE_BYTES, "big") + reason.encode()[:MAX_REASON_BYTES]
    return encode_uint_var(CLOSE_SESSION) + encode_uint_var(len(payload)) + payload


class CapsuleReader:
    """Looks for the capsule that closes; others are passed over without being kept."""

    def __init__(self) -> None:
        self._head = b""
        self._to_skip = 0

    def closes(self, data: bytes) -> bool:
        """Whether the client has closed the session, as far as `data` goes."""
        while data:
            if self._to_skip:
                passed = min(self._to_skip, len(data))
                self._to_skip -= passed
                data = data[passed:]
                continue
            missing = _MAX_HEAD_BYTES - len(self._head)
            head, rest = self._head + data[:missing], data[missing:]
            buffer = Buffer(data=head)
            try:
                kind, self._to_skip = buffer.pull_uint_var(), buffer.pull_uint_var()
            except BufferReadError:
                self._head = head
                return False
            self._head = b""
            if kind == CLOSE_SESSION:
                return True
            data = head[buffer.tell() :] + rest
        return False
