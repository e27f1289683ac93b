"""AMF0 values, those that encoders' commands are made of (Action Message Format AMF 0, 2007).

Numbers, booleans, texts, null, objects. Bounded: how deep, how many members, how long a text.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence

from server.encoders.rtmp.errors import RtmpRefused

Value = float | bool | str | None | Mapping[str, "Value"]

# `connect` has one object of a dozen members; metadata an array of thirty.
_MOST_DEPTH = 4
_MOST_MEMBERS = 256
# Lists within lists: each byte is a value, and a value takes a hundred of our memory.
MOST_BYTES = 65_536
_NUMBER, _BOOLEAN, _TEXT, _OBJECT, _NULL, _UNDEFINED = 0, 1, 2, 3, 5, 6
_ARRAY, _END, _STRICT_ARRAY, _DATE, _LONG_TEXT = 8, 9, 10, 11, 12


def read_values(data: bytes, *, most: int = 16) -> list[Value]:
    """At most so many values from the front; what follows is left. Raises `RtmpRefused`."""
    if len(data) > MOST_BYTES:
        raise RtmpRefused("values without end")
    values: list[Value] = []
    at = 0
    while at < len(data) and len(values) < most:
        value, at = _value(data, at, 0)
        values.append(value)
    return values


def value_bytes(value: Value) -> bytes:
    """One value."""
    if value is None:
        return bytes((_NULL,))
    if isinstance(value, bool):
        return bytes((_BOOLEAN, value))
    if isinstance(value, int | float):
        return struct.pack("!Bd", _NUMBER, value)
    if isinstance(value, str):
        text = value.encode()
        return struct.pack("!BH", _TEXT, len(text)) + text
    members = b"".join(_name(name) + value_bytes(each) for name, each in value.items())
    return bytes((_OBJECT,)) + members + b"\0\0" + bytes((_END,))


def values_bytes(values: Sequence[Value]) -> bytes:
    """Values one after the other, as a command's body has them."""
    return b"".join(map(value_bytes, values))


def _name(name: str) -> bytes:
    text = name.encode()
    return struct.pack("!H", len(text)) + text


def _value(data: bytes, at: int, depth: int) -> tuple[Value, int]:
    try:
        reader = _READERS[data[at]]
        return reader(data, at + 1, depth)
    except KeyError:
        raise RtmpRefused("a value of an unknown kind") from None
    except (struct.error, IndexError):
        raise RtmpRefused("a value that ends too soon") from None


def _text(data: bytes, at: int, width: int) -> tuple[str, int]:
    length = int.from_bytes(data[at : at + width], "big")
    at += width
    if at + length > len(data):
        raise RtmpRefused("a text that ends too soon")
    return data[at : at + length].decode("utf-8", "replace"), at + length


def _members(data: bytes, at: int, depth: int) -> tuple[Value, int]:
    if depth >= _MOST_DEPTH:
        raise RtmpRefused("values too deep in each other")
    members: dict[str, Value] = {}
    for _ in range(_MOST_MEMBERS):
        name, at = _text(data, at, 2)
        if not name and at < len(data) and data[at] == _END:
            return members, at + 1
        members[name], at = _value(data, at, depth + 1)
    raise RtmpRefused("an object without end")


def _array(data: bytes, at: int, depth: int) -> tuple[Value, int]:
    """An object with a count before it, which nobody needs."""
    return _members(data, at + 4, depth)


def _list(data: bytes, at: int, depth: int) -> tuple[Value, int]:
    """A strict array, as an object with its places for names."""
    count = int.from_bytes(data[at : at + 4], "big")
    if depth >= _MOST_DEPTH or count > _MOST_MEMBERS:
        raise RtmpRefused("values too deep in each other, or too many")
    at += 4
    members: dict[str, Value] = {}
    for place in range(count):
        members[str(place)], at = _value(data, at, depth + 1)
    return members, at


def _number(data: bytes, at: int, _depth: int) -> tuple[Value, int]:
    return struct.unpack_from("!d", data, at)[0], at + 8


def _date(data: bytes, at: int, _depth: int) -> tuple[Value, int]:
    return struct.unpack_from("!dh", data, at)[0], at + 10


_READERS: Mapping[int, Callable[[bytes, int, int], tuple[Value, int]]] = {
    _NUMBER: _number,
    _BOOLEAN: lambda data, at, _depth: (data[at] != 0, at + 1),
    _TEXT: lambda data, at, _depth: _text(data, at, 2),
    _OBJECT: _members,
    _NULL: lambda _data, at, _depth: (None, at),
    _UNDEFINED: lambda _data, at, _depth: (None, at),
    _ARRAY: _array,
    _STRICT_ARRAY: _list,
    _DATE: _date,
    _LONG_TEXT: lambda data, at, _depth: _text(data, at, 4),
}
