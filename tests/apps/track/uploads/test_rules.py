"""The headers of the protocol."""

import base64
import unicodedata
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.track.rules import uploads as rules

KEYS = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=","),
    min_size=1, max_size=20,
)  # fmt: skip


def header(pairs: dict[str, bytes]) -> str:
    return ",".join(f"{key} {base64.b64encode(value).decode()}" for key, value in pairs.items())


class TestMetadata:
    @given(st.dictionaries(KEYS, st.binary(min_size=1, max_size=50), max_size=20))
    def test_is_read_as_it_was_written(self, pairs):
        assert rules.parse_metadata(header(pairs)) == pairs

    @given(st.text(max_size=200))
    def test_is_read_or_refused_whatever_it_is(self, text):
        with suppress(ValueError):
            pairs = rules.parse_metadata(text)
            rules.filename_of(pairs)
            rules.content_type_of(pairs)

    @pytest.mark.parametrize(
        "text",
        [
            "filename", "filename ", "is_private,filename YQ==", "a YQ==, b YQ==",
        ],
    )  # fmt: skip
    def test_may_have_keys_without_values(self, text):
        assert rules.parse_metadata(text) is not None

    @pytest.mark.parametrize(
        "text",
        [
            "filename YQ", "filename YQ=", "filename Y Q==", "filename Yr==", "filename ä",
            ",", "a YQ==,", "a YQ==,a YQ==", "a  YQ==", "ä YQ==", "a YQ==\n", "a -_==",
            "a " + "QUFB" * 2000, ",".join(f"k{number}" for number in range(33)),
        ],
    )  # fmt: skip
    def test_that_is_not_well_formed_is_refused(self, text):
        with pytest.raises(ValueError, match=r"."):
            rules.parse_metadata(text)


class TestFilenames:
    @pytest.mark.parametrize(
        ("claimed", "shown"),
        [
            ("night train.flac", "night train.flac"),
            ("../../etc/passwd", "passwd"),
            ("C:\\music\\a.mp3", "a.mp3"),
            ("a\x00b\nc.mp3", "abc.mp3"),
            ("\u202egpj.exe", "gpj.exe"),
            ("x" * 5000, "x" * 255),
            ("ürlaub 🎵.ogg", "ürlaub 🎵.ogg"),
            ("", ""),
        ],
    )
    def test_lose_what_is_not_to_be_shown(self, claimed, shown):
        assert rules.filename_of({"filename": claimed.encode()}) == shown

    @given(st.text(max_size=300))
    def test_can_always_be_stored(self, claimed):
        name = rules.filename_of({"filename": claimed.encode("utf-8", "ignore")})

        assert len(name) <= rules.MAX_NAME
        assert not any(unicodedata.category(letter)[0] == "C" for letter in name)

    def test_are_utf8(self):
        with pytest.raises(ValueError, match="UTF-8"):
            rules.filename_of({"filename": b"\xff"})


@pytest.mark.parametrize(
    ("claimed", "kept"),
    [
        ("audio/flac", "audio/flac"), ("Audio/MPEG; x=1", "audio/mpeg"), ("text/html<", ""),
        ("", ""), ("audio", ""), ("a/" + "b" * 200, ""),
    ],
)  # fmt: skip
def test_types_are_types_or_nothing(claimed, kept):
    assert rules.content_type_of({"filetype": claimed.encode()}) == kept


class TestChecksums:
    @given(st.sampled_from(rules.CHECKSUMS), st.data())
    def test_are_read(self, algorithm, data):
        size = rules.DIGEST_BYTES[algorithm]
        digest = data.draw(st.binary(min_size=size, max_size=size))

        text = f"{algorithm} {base64.b64encode(digest).decode()}"
        assert rules.parse_checksum(text) == (algorithm, digest)

    @pytest.mark.parametrize(
        "text", ["", "sha256", "sha256 ", "sha256 YQ==", "sha512 YQ==", "SHA1 YQ==", "md5  x"]
    )
    def test_that_are_none_are_refused(self, text):
        with pytest.raises(ValueError, match=r"."):
            rules.parse_checksum(text)


@given(st.text(max_size=25))
def test_counts_are_digits(text):
    try:
        assert rules.parse_count(text) == int(text) >= 0
    except ValueError:
        assert not (text.isascii() and text.isdigit() and len(text) <= 18)
