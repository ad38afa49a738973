"""Both codecs, against the published schema (the generated module of the Python SDK)."""

import json
from typing import Any

import centrifuge.protocol.client_pb2 as published  # type: ignore[import-untyped]
import pytest
from google.protobuf.json_format import (  # type: ignore[import-untyped]
    MessageToDict,
    ParseDict,
)
from hypothesis import given
from hypothesis import strategies as st

from apps.realtime.transports.centrifugo import json_codec, protobuf_codec
from apps.realtime.transports.centrifugo.json_codec import RawJSON
from apps.realtime.transports.centrifugo.schema import (
    COMMAND,
    REPLY,
    Field,
    Kind,
    MalformedError,
    Shape,
)  # fmt: skip

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(
        exclude_categories=["Cs"], exclude_characters="\x00")),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
_SCALARS = {
    Kind.UINT32: st.integers(0, 2**32 - 1),
    Kind.UINT64: st.integers(0, 2**64 - 1),
    Kind.INT32: st.integers(-(2**31), 2**31 - 1),
    Kind.INT64: st.integers(-(2**63), 2**63 - 1),
    Kind.BOOL: st.booleans(),
    Kind.TEXT: st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
    Kind.JSON: JSON_VALUES.filter(lambda value: value is not None),
}
LATER_THAN_THE_SDK = ("type",)  # the Python SDK's schema does not have it yet, centrifuge-js has


def values_of(shape: Shape, *, without: tuple[str, ...] = ()) -> st.SearchStrategy[Any]:
    """Any message of the shape."""
    fields = {name: value_of(field) for name, field in shape.fields.items() if name not in without}
    return st.fixed_dictionaries({}, optional=fields)


def value_of(field: Field) -> st.SearchStrategy[Any]:
    one = (
        _SCALARS[field.kind]
        if isinstance(field.kind, Kind)
        else values_of(field.kind, without=LATER_THAN_THE_SDK)
    )
    if field.many == "map":
        return st.dictionaries(st.text("abc", max_size=3), one, max_size=3)
    return st.lists(one, max_size=3) if field.many else one


def in_published_form(shape: Shape, message: dict[str, Any], into: Any) -> Any:
    """The same message, as an object of the generated module."""
    for name, value in message.items():
        field, there = shape.fields[name], getattr(into, name)
        if field.many == "map":
            for key, item in value.items():
                in_published_form(field.kind, item, there[key])  # type: ignore[arg-type]
        elif field.many:
            for item in value:
                in_published_form(field.kind, item, there.add())  # type: ignore[arg-type]
        elif not isinstance(field.kind, Kind):
            there.SetInParent()
            in_published_form(field.kind, value, there)
        else:
            setattr(into, name, json.dumps(value).encode() if field.kind is Kind.JSON else value)
    return into


def without_defaults(value: Any) -> Any:
    """0, "" and False are not sent; empty messages are."""
    if not isinstance(value, dict):
        return value
    kept = {key: without_defaults(item) for key, item in value.items()}
    return {key: item for key, item in kept.items() if isinstance(item, dict) or item}


def with_parsed_data(shape: Shape, message: Any) -> dict[str, Any]:
    """What the generated module read, with JSON in place of bytes."""
    read: dict[str, Any] = {}
    for descriptor, value in message.ListFields():
        name, field = descriptor.name, shape.fields[descriptor.name]
        kind = field.kind
        if field.many == "map":
            read[name] = {key: with_parsed_data(kind, value[key]) for key in value}  # type: ignore[arg-type]
        elif field.many:
            read[name] = [with_parsed_data(kind, item) for item in value]  # type: ignore[arg-type]
        elif not isinstance(kind, Kind):
            read[name] = with_parsed_data(kind, value)
        else:
            read[name] = json.loads(value) if kind is Kind.JSON else value
    return read


def delimited(message: bytes) -> bytes:
    size, head = len(message), b""
    while size > 0x7F:
        head, size = head + bytes((size & 0x7F | 0x80,)), size >> 7
    return head + bytes((size,)) + message


class TestProtobuf:
    @given(values_of(COMMAND))
    def test_reads_commands_as_the_published_schema_writes_them(
        self, command: dict[str, Any]
    ) -> None:
        written = in_published_form(COMMAND, command, published.Command()).SerializeToString()
        read = protobuf_codec.decode_commands(delimited(written) * 2)
        data = command.get("publish", {}).get("data", "absent")
        for message in read:
            if data != "absent":
                assert message["publish"].pop("data") == data
        if data != "absent":
            command["publish"].pop("data")
        assert [without_defaults(message) for message in read] == [without_defaults(command)] * 2

    @given(values_of(REPLY))
    def test_writes_replies_as_the_published_schema_reads_them(self, reply: dict[str, Any]) -> None:
        encoded = protobuf_codec.encode_reply(reply)
        message = published.Reply()
        _, at = protobuf_codec._read_varint(encoded, 0)
        message.ParseFromString(encoded[at:])
        wanted = in_published_form(REPLY, reply, published.Reply())
        assert with_parsed_data(REPLY, message) == with_parsed_data(REPLY, wanted)

    @given(st.binary(max_size=200))
    def test_any_bytes_end_in_commands_or_in_one_error(self, frame: bytes) -> None:
        try:
            commands = protobuf_codec.decode_commands(frame)
        except MalformedError:
            return
        assert all(set(command) <= set(COMMAND.fields) for command in commands)

    @pytest.mark.parametrize(
        "message",
        [
            b"\x08",  # a varint that ends before it began
            b"\x08" + b"\xff" * 11,  # one that never ends
            b"\x2a\xff\xff\xff\xff\x0f",  # 4 GiB announced
            b"\x2a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  # 16 EiB
            b"\x00\x01",  # field 0
            b"\x0b",  # a group
            b"\x0f",  # wire type 7
            b"\x09\x00",  # half of a fixed64
            b"\x2a\x03\x0a\x01\xff",  # a channel that is not UTF-8
        ],
    )
    def test_broken_bytes_are_malformed(self, message: bytes) -> None:
        with pytest.raises(MalformedError):
            protobuf_codec.decode_commands(delimited(message))

    def test_a_length_beyond_the_frame_is_malformed(self) -> None:
        with pytest.raises(MalformedError):
            protobuf_codec.decode_commands(b"\x05\x08\x01")

    def test_unknown_fields_of_every_wire_type_are_skipped(self) -> None:
        unknown = b"\xb8\x3e\x01" + b"\xb9\x3e" + b"8" * 8 + b"\xba\x3e\x02hi" + b"\xbd\x3e4444"
        (command,) = protobuf_codec.decode_commands(delimited(unknown + b"\x08\x07\x5a\x00"))
        assert command == {"id": 7, "ping": {}}

    def test_a_message_in_two_pieces_is_one_message(self) -> None:
        halves = b"\x2a\x03\x0a\x01a" + b"\x2a\x02\x18\x01"
        (command,) = protobuf_codec.decode_commands(delimited(halves))
        assert command == {"subscribe": {"channel": "a", "recover": True}}

    def test_an_empty_message_is_the_answer_to_a_ping(self) -> None:
        assert protobuf_codec.decode_commands(b"\x00") == [{}]
        assert protobuf_codec.encode_reply({}) == protobuf_codec.PING

    def test_encoded_json_is_passed_on_as_it_is(self) -> None:
        reply = {"push": {"channel": "a", "pub": {"data": RawJSON(b'{"b": 1}'), "offset": 5}}}
        message = published.Reply()
        message.ParseFromString(protobuf_codec.encode_reply(reply)[1:])
        assert MessageToDict(message)["push"]["pub"] == {"data": "eyJiIjogMX0=", "offset": "5"}
        assert message.push.pub.data == b'{"b": 1}'


class TestJSON:
    @given(st.lists(values_of(COMMAND), min_size=1, max_size=3))
    def test_reads_commands_one_a_line(self, commands: list[dict[str, Any]]) -> None:
        frame = "\n".join(map(json.dumps, commands))
        assert json_codec.decode_commands(frame) == commands
        assert json_codec.decode_commands(frame + "\n") == commands

    @given(values_of(REPLY))
    def test_writes_replies_that_any_reader_of_json_reads(self, reply: dict[str, Any]) -> None:
        encoded = json_codec.encode_reply(reply)
        assert json.loads(encoded) == reply
        assert b"\n" not in encoded

    @given(values_of(REPLY))
    def test_says_what_protobuf_says(self, reply: dict[str, Any]) -> None:
        message = published.Reply()
        _, at = protobuf_codec._read_varint(protobuf_codec.encode_reply(reply), 0)
        message.ParseFromString(protobuf_codec.encode_reply(reply)[at:])
        assert with_parsed_data(REPLY, message) == with_parsed_data(
            REPLY, in_published_form(REPLY, json.loads(json_codec.encode_reply(reply)),
                                     published.Reply()))  # fmt: skip

    def test_members_that_are_unknown_or_null_do_not_matter(self) -> None:
        frame = '{"id":1,"trace":"x","connect":{"token":null,"name":"js","subs":{"a":{}}}}'
        assert json_codec.decode_commands(frame) == [{"id": 1, "connect": {}}]

    def test_encoded_json_is_passed_on_as_it_is(self) -> None:
        assert json_codec.encode_reply({"a": [RawJSON(b'{"b": 1}')]}) == b'{"a":[{"b": 1}]}'

    @pytest.mark.parametrize(
        "frame",
        [
            "{",
            "nonsense",
            "[]",
            "1",
            '"connect"',
            "null",
            '{"id":"1","connect":{}}',
            '{"id":-1,"connect":{}}',
            '{"id":1.5,"connect":{}}',
            '{"id":true,"connect":{}}',
            '{"id":4294967296,"connect":{}}',
            '{"id":1,"connect":[]}',
            '{"id":1,"connect":{"token":1}}',
            '{"id":1,"subscribe":{"channel":"a","offset":-1}}',
            '{"id":1,"subscribe":{"channel":"a","offset":18446744073709551616}}',
            '{"id":1,"subscribe":{"channel":"a","recover":"yes"}}',
            '{"id":1,"history":{"channel":"a","since":5}}',
            '{"id":1,"publish":{"channel":"a","data":NaN}}',
            '{"id":1,"publish":{"channel":"a","data":"\\ud800"}}',
            '{"id":1,"publish":{"channel":"a","data":' + "[" * 5000 + "]" * 5000 + "}}",
            '{"id":1,"connect":{}}{"id":2,"ping":{}}',
            '{"id":1,"connect":{}}\n{',
        ],
    )
    def test_what_is_no_command_is_malformed(self, frame: str) -> None:
        with pytest.raises(MalformedError):
            json_codec.decode_commands(frame)


def test_the_field_numbers_are_the_published_ones() -> None:
    """Checked field by field, so that a slip is told by its name."""
    for shape, message in ((COMMAND, published.Command), (REPLY, published.Reply)):
        _assert_numbers(shape, message.DESCRIPTOR)


def _assert_numbers(shape: Shape, descriptor: Any) -> None:
    for name, field in shape.fields.items():
        if name in LATER_THAN_THE_SDK:
            continue
        there = descriptor.fields_by_name[name]
        assert there.number == field.number, name
        if field.many == "map":
            _assert_numbers(field.kind, there.message_type.fields_by_name["value"].message_type)  # type: ignore[arg-type]
        elif not isinstance(field.kind, Kind):
            _assert_numbers(field.kind, there.message_type)


def test_the_published_codec_reads_a_whole_conversation() -> None:
    """`ParseDict` and `MessageToDict` are what the Python SDK itself uses."""
    command = {"id": 3, "subscribe": {"channel": "a", "recover": True, "offset": 9, "flag": 1}}
    written = ParseDict(command, published.Command()).SerializeToString()
    assert protobuf_codec.decode_commands(delimited(written)) == [command]
