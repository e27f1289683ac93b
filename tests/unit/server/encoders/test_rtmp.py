"""RTMP, sans-IO: bytes in, an encoder's media out; hostile ones are one documented error."""

from __future__ import annotations

import random
import struct

import pytest

from server.encoders.rtmp import chunks, flv
from server.encoders.rtmp.amf import Value, read_values, values_bytes
from server.encoders.rtmp.chunks import ChunkReader, RtmpMessage, message_bytes
from server.encoders.rtmp.errors import RtmpRefused
from server.encoders.rtmp.session import MediaSent, PublishAsked, RtmpPhase, RtmpSession

KEY = "tks_abc"
GREETING = b"\x03" + bytes(1536)
PICTURE = RtmpMessage(chunks.VIDEO, 40, 1, b"\x17\x01\0\0\0" + bytes(9000))


def command(name: str, number: float, *values: Value) -> bytes:
    body = values_bytes([name, number, *values])
    return message_bytes(RtmpMessage(chunks.COMMAND, 0, 0, body), chunk_stream=3)


def chunk_size(size: int) -> bytes:
    told = RtmpMessage(chunks.SET_CHUNK_SIZE, 0, 0, struct.pack("!I", size))
    return message_bytes(told, chunk_stream=2)


WHOLE = (
    GREETING
    + bytes(1536)
    + chunk_size(chunks.OUR_CHUNK_BYTES)
    + command("connect", 1.0, {"app": "live", "tcUrl": "rtmp://t/live"})
    + command("createStream", 4.0, None)
    + command("publish", 5.0, None, f"{KEY}?x=1", "live")
)


@pytest.mark.parametrize("step", [1, 7, 1500, 100_000])
def test_a_key_is_asked_for_before_any_media_however_the_bytes_are_cut(step: int) -> None:
    session = RtmpSession()
    events = []
    out = b""
    for at in range(0, len(WHOLE), step):
        events += list(session.handle_data(WHOLE[at : at + step]))
        out += session.take_output()
    assert events == [PublishAsked(KEY)]
    assert out[: 1 + 1536] == b"\x03" + bytes(1536) and out[1537:3073] == bytes(1536)
    assert b"NetConnection.Connect.Success" in out and b"Publish.Start" not in out
    picture = message_bytes(PICTURE, chunk_stream=6)
    assert list(session.handle_data(picture)) == [], "before the key is found right"
    session.accept()
    assert b"NetStream.Publish.Start" in session.take_output()
    assert list(session.handle_data(picture)) == [MediaSent(PICTURE)]
    list(session.handle_data(command("deleteStream", 6.0, None, 1.0)))
    assert session.phase is RtmpPhase.ENDED


def test_a_wrong_key_is_told_so() -> None:
    session = RtmpSession()
    list(session.handle_data(WHOLE))
    session.refuse("no such key")
    assert b"NetStream.Publish.BadName" in session.take_output()
    assert list(session.handle_data(message_bytes(PICTURE, chunk_stream=6))) == []


REFUSED = {
    "another protocol": b"GET / HTTP/1.1\r\n\r\n",
    "to play": GREETING + bytes(1536) + command("play", 1.0, None, "x"),
    "to send twice": WHOLE + command("publish", 6.0, None, KEY, "live"),
    "no key": GREETING + bytes(1536) + command("publish", 1.0, None, None),
    "a key without end": GREETING + bytes(1536) + command("publish", 1.0, None, "x" * 300),
    "commands without end": GREETING + bytes(1536) + command("_checkbw", 1.0, None) * 65,
    "a command that is none": GREETING
    + bytes(1536)
    + message_bytes(RtmpMessage(chunks.COMMAND, 0, 0, b"\x02\0\x09abc"), chunk_stream=3),
    "AMF3": GREETING + bytes(1536) + message_bytes(RtmpMessage(17, 0, 0, b"\0"), chunk_stream=3),
    "a message without end": GREETING + bytes(1536) + b"\x06\0\0\0\xff\xff\xff\x09\1\0\0\0",
    "a chunk of nothing before": GREETING + bytes(1536) + b"\xc6" + bytes(128),
    "many streams": GREETING
    + bytes(1536)
    + b"".join(bytes((n, 0, 0, 0, 0, 4, 0, 9, 1, 0, 0, 0)) + bytes(128) for n in range(3, 21)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str) -> None:
    with pytest.raises(RtmpRefused):
        list(RtmpSession().handle_data(REFUSED[name]))


def test_short_headers_go_on_from_the_ones_before() -> None:
    """Forms 1, 2 and 3 of §5.3.1.2, and a time above 24 bits in each chunk."""
    data = (
        b"\x04\x00\x00\x64\x00\x00\x02\x08\x01\x00\x00\x00" + b"aa"  # at 100 ms
        b"\x44\x00\x00\x14\x00\x00\x03\x08" + b"bbb"  # 20 ms later, three bytes
        b"\x84\x00\x00\x15" + b"ccc"  # 21 ms later
        b"\xc4" + b"ddd"  # 21 ms later again
        b"\x05\xff\xff\xff\x00\x00\x01\x09\x01\x00\x00\x00\x01\x00\x00\x00" + b"e"
    )
    found = list(ChunkReader().feed(data))
    assert [(m.timestamp, m.payload) for m in found] == [
        (100, b"aa"),
        (120, b"bbb"),
        (141, b"ccc"),
        (162, b"ddd"),
        (1 << 24, b"e"),
    ]


def test_values_are_read_as_they_were_written() -> None:
    named: Value = {"app": "live", "on": True, "no": None}
    values: list[Value] = ["connect", 1.0, named, None, False, "课"]
    assert read_values(values_bytes(values)) == values


def test_media_become_tags() -> None:
    header = RtmpMessage(chunks.AUDIO, 0x0102_0304, 1, b"\xaf\x00\x12\x10")
    assert flv.tag(header) == (
        b"\x08\x00\x00\x04\x02\x03\x04\x01\x00\x00\x00" + header.payload + b"\x00\x00\x00\x0f"
    )
    assert flv.is_codec_header(header) and not flv.is_codec_header(PICTURE)
    assert flv.file_header(sound=False, picture=True) == b"FLV\x01\x01\0\0\0\x09\0\0\0\0"
    hevc = RtmpMessage(chunks.VIDEO, 0, 1, b"\x90hvc1")
    assert flv.codec_fault(hevc) == "picture-codec" and not flv.codec_fault(PICTURE)


@pytest.mark.parametrize("seed", range(20))
def test_hostile_bytes_are_refused_or_waited_for_and_nothing_else(seed: int) -> None:
    """A session that is fed any mutation of a right one raises `RtmpRefused` or goes on."""
    rng = random.Random(seed)
    for _ in range(30):
        data = bytearray(WHOLE + message_bytes(PICTURE, chunk_stream=6))
        for _ in range(rng.randrange(1, 9)):
            data[rng.randrange(3072, len(data))] = rng.randrange(256)
        session = RtmpSession()
        try:
            for at in range(0, len(data), 700):
                for event in session.handle_data(bytes(data[at : at + 700])):
                    if isinstance(event, PublishAsked):
                        session.accept()
        except RtmpRefused:
            continue
