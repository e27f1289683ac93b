"""Whatever an encoder sends by RTMP, the session goes on or raises `RtmpRefused`, keeps no more
than its bounds, gives out no media before its key was accepted, and reads the same however it is
cut.
"""

from __future__ import annotations

import random
import struct
from contextlib import suppress

import pytest

from server.encoders.rtmp import chunks, flv
from server.encoders.rtmp.amf import MOST_BYTES, Value, read_values, value_bytes, values_bytes
from server.encoders.rtmp.chunks import (
    MOST_HALF,
    MOST_MESSAGE_BYTES,
    MOST_STREAMS,
    STRANGER_MESSAGE_BYTES,
    ChunkReader,
    RtmpMessage,
    message_bytes,
)
from server.encoders.rtmp.errors import RtmpRefused
from server.encoders.rtmp.session import MediaSent, PublishAsked, RtmpEvent, RtmpSession
from tests.fuzz.rounds import SEED, rounds

GREETING = b"\x03" + bytes(2 * 1536)
CHUNK_HEAD_BYTES = 18


def command(*values: Value) -> bytes:
    body = values_bytes(values)
    return message_bytes(RtmpMessage(chunks.COMMAND, 0, 0, body), chunk_stream=3)


WHOLE = (
    GREETING
    + message_bytes(RtmpMessage(chunks.SET_CHUNK_SIZE, 0, 0, b"\0\0\x10\0"), chunk_stream=2)
    + command("connect", 1.0, {"app": "live", "tcUrl": "rtmp://t/live", "课": None})
    + command("releaseStream", 2.0, None, "key")
    + command("createStream", 4.0, None)
    + command("publish", 5.0, None, "key?x=1", "live")
)
MEDIA = b"".join(
    message_bytes(RtmpMessage(kind, time, 1, body), chunk_stream=4)
    for kind, time, body in (
        (chunks.VIDEO, 0, b"\x17\0\0\0\0\1\x42\0\x1f"),
        (chunks.AUDIO, 0, b"\xaf\0\x11\x90"),
        (chunks.VIDEO, 40, b"\x17\1\0\0\0" + bytes(9_000)),
        (chunks.AUDIO, 60, b"\xaf\1" + bytes(300)),
    )
)


def kept(reader: ChunkReader) -> int:
    return len(reader._buffer) + sum(len(one.parts) for one in reader._streams.values())


def most_kept(reader: ChunkReader) -> int:
    """Half messages, and one chunk that waits to be whole."""
    return (MOST_HALF + 1) * reader.most_bytes + CHUNK_HEAD_BYTES


def run(data: bytes, cuts: list[int]) -> tuple[list[RtmpEvent], bool]:
    """The events and whether it was refused; accepts every key, as its caller does."""
    session = RtmpSession()
    events: list[RtmpEvent] = []
    accepted = False
    try:
        for begin, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
            for event in session.handle_data(data[begin:end]):
                events.append(event)
                assert accepted or not isinstance(event, MediaSent)
                if isinstance(event, PublishAsked):
                    session.accept()
                    accepted = True
                elif isinstance(event, MediaSent):
                    flv.tag(event.message)
                    flv.is_codec_header(event.message)
                    flv.codec_fault(event.message)
            session.take_output()
            assert kept(session._chunks) <= most_kept(session._chunks)
            assert len(session._chunks._streams) <= MOST_STREAMS
            assert len(session._greeting) <= len(data[:end])
    except RtmpRefused:
        return events, True
    return events, False


def mutated(rng: random.Random, data: bytes) -> bytes:
    out = bytearray(data)
    for _ in range(rng.randrange(1, 6)):
        at = rng.randrange(len(out))
        match rng.randrange(6):
            case 0:
                out[at] = rng.randrange(256)
            case 1:
                out[at] ^= 1 << rng.randrange(8)
            case 2:
                del out[at : at + rng.randrange(1, 60)]
            case 3:
                out[at:at] = rng.randbytes(rng.randrange(1, 40))
            case 4:
                out[at : at + 4] = rng.choice((b"\xff" * 4, bytes(4), b"\0\xff\xff\xff"))
            case _:
                out += out[at : at + 200]
        if not out:
            out += b"\3"
    return bytes(out)


def cuts_of(rng: random.Random, size: int) -> list[int]:
    return sorted(rng.randrange(size + 1) for _ in range(rng.randrange(12)))


def test_a_right_conversation_is_taken() -> None:
    events, refused = run(WHOLE + MEDIA, [])
    assert not refused and len([one for one in events if isinstance(one, MediaSent)]) == 4


def test_mutated_conversations() -> None:
    rng = random.Random(SEED + 1)
    taken = 0
    for _ in range(rounds(300)):
        data = GREETING + mutated(rng, (WHOLE + MEDIA)[len(GREETING) :])
        once = run(data, [])
        assert run(data, cuts_of(rng, len(data))) == once
        taken += any(isinstance(one, MediaSent) for one in once[0])
    assert taken > 0


def test_chunks_in_any_order() -> None:
    """Headers of every form, chunk sizes from one byte to two gigabytes, aborts, and long times."""
    rng = random.Random(SEED + 2)
    whole = 0
    for _ in range(rounds(100)):
        reader, told = ChunkReader(rng.choice((STRANGER_MESSAGE_BYTES, MOST_MESSAGE_BYTES))), 0
        with suppress(RtmpRefused):
            for _ in range(rng.randrange(1, 60)):
                form, number = rng.choice((0, 0, 0, 1, 2, 3, 3)), rng.choice((2, 3, 3, 4, 6, 63))
                data = bytearray((form << 6 | number,))
                length = rng.choice((0, 1, 4, 127, 128, 129, 5_000, 1 << 20, 0xFF_FFFF))
                width = (11, 7, 3, 0)[form]
                head = rng.choice((b"\0\0\0", b"\0\1\0", b"\xff\xff\xff"))
                head += length.to_bytes(3, "big") + bytes((rng.choice((1, 2, 5, 8, 9, 18, 20)),))
                data += (head + b"\1\0\0\0")[:width]
                data += rng.choice((b"", bytes(4), b"\x7f\xff\xff\xff")) + bytes(
                    rng.choice((0, 1, 4, 128, 4_096, length % 9_000))
                )
                told += len(data)
                whole += len(list(reader.feed(bytes(data))))
                assert kept(reader) <= min(told, most_kept(reader))
    assert whole > 0


def test_a_size_of_two_gigabytes_keeps_no_more_than_a_message() -> None:
    """The sender says that a chunk has 2 GiB and begins one on every stream."""
    reader = ChunkReader(MOST_MESSAGE_BYTES)
    size = RtmpMessage(chunks.SET_CHUNK_SIZE, 0, 0, struct.pack("!I", 0x7FFF_FFFF))
    list(reader.feed(message_bytes(size, chunk_stream=2)))
    head = b"\4" + bytes(3) + MOST_MESSAGE_BYTES.to_bytes(3, "big") + b"\x09\1\0\0\0"
    most = 0
    with suppress(RtmpRefused):
        for _ in range(41):  # just not whole
            list(reader.feed(head + bytes(100_000)))
            head = b""
            most = max(most, kept(reader))
    assert 0 < most <= most_kept(reader)
    with pytest.raises(RtmpRefused):
        list(ChunkReader(MOST_MESSAGE_BYTES).feed(b"\4" + bytes(3) + b"\xff" * 3 + b"\x09\1\0\0\0"))


def test_a_stranger_says_little() -> None:
    """Empty messages cost him fourteen bytes each and us a look."""
    session = RtmpSession()
    list(session.handle_data(GREETING))
    with pytest.raises(RtmpRefused):
        list(session.handle_data(bytes(14 * 300)))


def test_a_stranger_begins_no_large_message() -> None:
    session = RtmpSession()
    list(session.handle_data(WHOLE))
    with pytest.raises(RtmpRefused):
        list(session.handle_data(b"\4" + bytes(3) + b"\x02\0\0\x09\1\0\0\0"))
    session = RtmpSession()
    list(session.handle_data(WHOLE))
    session.accept()
    assert list(session.handle_data(b"\4" + bytes(3) + b"\x02\0\0\x09\1\0\0\0")) == []


def test_values() -> None:
    """Values that are deep, long, without end or of kinds that nobody knows."""
    rng = random.Random(SEED + 3)
    base = values_bytes(["connect", 1.0, {"a": {"b": {"c": True}}, "d": "x" * 40}, None])
    read = 0
    for _ in range(rounds(3_000)):
        data = mutated(rng, base)
        with suppress(RtmpRefused):
            read += len(read_values(data))
    assert read > 0
    # An object in an object, and so on; lists that say they have four thousand million members;
    # objects of which each begins two more.
    bombs = (
        b"\x03\0\1a" * 100_000,
        b"\x0a\xff\xff\xff\xff" * 50_000,
        b"\x0a\0\0\1\0" * 50_000,
        b"\x08\0\0\0\1\0\1a" * 50_000,
        b"\x0c\xff\xff\xff\xff" + bytes(100),
    )
    for bomb in bombs:
        for size in (len(bomb), MOST_BYTES):
            with pytest.raises(RtmpRefused):
                read_values(bomb[:size])
    wide = value_bytes({str(n): None for n in range(255)})
    assert len(read_values(wide * 16)) == 16


def test_nested_lists_do_not_multiply() -> None:
    """Four deep with 256 members each would be four thousand million values."""
    inner = b"\x0a\0\0\1\0" + b"\x05" * 256
    bomb = b"\x0a\0\0\1\0" * 2 + inner * 300
    with pytest.raises(RtmpRefused):
        read_values(bomb)
    assert read_values(inner)
