"""What clients get is JSON, whatever an app gives."""

import math

import pytest

from apps.realtime.types import to_json


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, 2.5, None, True], "é": "\n"}, '{"a":[1,2.5,null,true],"é":"\\n"}'),
        ({"price": math.nan, "most": math.inf}, '{"price":null,"most":null}'),
        ({7: "x", None: "y", True: "z"}, '{"7":"x","null":"y","true":"z"}'),
        (2**200, str(2**200)),
    ],
)
def test_values_are_written_compactly(value: object, text: str) -> None:
    assert to_json(value).decode() == text


def test_half_a_surrogate_pair_does_not_stop_a_message() -> None:
    assert to_json({"text": "\ud800"}) == '{"text":"\ud800"}'.encode("utf-8", "surrogatepass")


def test_what_json_has_not_is_refused() -> None:
    with pytest.raises(TypeError):
        to_json({"a": object()})
