"""Lines and capsules, in whatever pieces they come."""

import pytest
from aioquic.buffer import encode_uint_var
from hypothesis import given
from hypothesis import strategies as st

from veza.kit.webtransport.capsules import CLOSE_SESSION, CapsuleReader, close_capsule
from veza.kit.webtransport.lines import Lines, LineTooLongError, TooManyLinesError

pieces = st.lists(st.binary(max_size=7), max_size=20)


@given(st.lists(st.text(st.characters(exclude_characters="\n"), max_size=20)), st.integers(1, 9))
async def test_lines_come_whole(texts: list[str], size: int) -> None:
    lines = Lines(longest=200, most_waiting=100_000)
    data = b"".join(text.encode() + b"\n" for text in texts) + b"last"
    for at in range(0, len(data), size):
        lines.feed(data[at : at + size])
    lines.end()
    found = []
    while (line := await lines.next()) is not None:
        found.append(line)
    assert found == [*(text.encode() for text in texts), b"last"]


def test_lines_have_an_end() -> None:
    lines = Lines(longest=10, most_waiting=100)
    lines.feed(b"0123456789\n01234")
    with pytest.raises(LineTooLongError):
        lines.feed(b"567890")


def test_lines_that_nobody_reads_are_bounded() -> None:
    lines = Lines(longest=10, most_waiting=100)
    with pytest.raises(TooManyLinesError):
        lines.feed(b"01234\n" * 20)


@given(pieces, st.integers(1, 9))
def test_other_capsules_are_passed_over(payloads: list[bytes], size: int) -> None:
    others = b"".join(
        encode_uint_var(0x1234 + number) + encode_uint_var(len(payload)) + payload
        for number, payload in enumerate(payloads)
    )
    reader = CapsuleReader()
    for data, is_end in ((others, False), (close_capsule(3008, "slow"), True)):
        came = [reader.closes(data[at : at + size]) for at in range(0, len(data), size)]
        assert any(came) is is_end


@given(st.binary(max_size=300))
def test_any_bytes_are_no_failure(data: bytes) -> None:
    assert CapsuleReader().closes(data) in (True, False)


def test_the_capsule_that_closes_has_code_and_reason() -> None:
    capsule = close_capsule(3500, "token revoked")
    assert capsule.startswith(encode_uint_var(CLOSE_SESSION))
    assert capsule.endswith((3500).to_bytes(4, "big") + b"token revoked")
