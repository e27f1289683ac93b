"""The journal's framing: whatever a crash leaves, every whole line is read and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.journal import MAX_LINE_BYTES, decode_line, encode_line, read_journal
from recorder.records import (
    Closed,
    Gap,
    Happened,
    Opened,
    SeatRecord,
    SyncPoint,
    parse_records,
    to_line_members,
)

RECORDS: list[dict[str, object]] = [
    {"type": "opened", "title": '三年级 数学 "分数"\n第二行', "at": 1.5},
    {"type": "happened", "event": {"text": '\\u0000 \u2028 } ,"crc":"00000000"}'}},
    {"type": "closed", "at": 9},
]
LINES = [encode_line(record) for record in RECORDS]
WHOLE = b"".join(LINES)


def test_what_is_written_is_read() -> None:
    content = read_journal(WHOLE)
    assert list(content.records) == RECORDS
    assert (content.ended_bytes, content.damaged_lines) == (len(WHOLE), 0)


@pytest.mark.parametrize("cut", range(len(WHOLE)))
def test_a_tail_torn_at_any_byte_costs_only_the_torn_line(cut: int) -> None:
    ends = [sum(len(line) for line in LINES[:n]) for n in range(len(LINES) + 1)]
    whole_lines = sum(1 for end in ends[1:] if end <= cut)
    content = read_journal(WHOLE[:cut])
    assert list(content.records) == RECORDS[:whole_lines]
    assert content.ended_bytes == ends[whole_lines]
    assert content.damaged_lines == (0 if cut in ends else 1)


@pytest.mark.parametrize("at", range(len(LINES[0])))
def test_a_changed_byte_is_found_and_the_lines_behind_are_kept(at: int) -> None:
    damaged = bytearray(WHOLE)
    damaged[at] ^= 0x01
    content = read_journal(bytes(damaged))
    assert RECORDS[0] not in content.records
    assert list(content.records)[-1:] == RECORDS[2:]
    assert content.damaged_lines >= 1
    assert content.ended_bytes == len(WHOLE)


def test_zeros_behind_the_end_are_a_torn_tail() -> None:
    """A file system may show zeros where a write was cut off."""
    content = read_journal(WHOLE + bytes(4096))
    assert list(content.records) == RECORDS
    assert content.ended_bytes == len(WHOLE)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_without_an_error(data: bytes) -> None:
    """Reading never raises, and never makes up a record."""
    assert read_journal(data).records == ()
    assert list(read_journal(data + b"\n" + WHOLE).records) == RECORDS


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=8).filter(lambda key: key != "crc"),
        st.none() | st.booleans() | st.integers() | st.text(max_size=40),
        min_size=1,
        max_size=5,
    )
)
def test_any_record_comes_back(record: dict[str, object]) -> None:
    line = encode_line(record)
    assert line.count(b"\n") == 1
    assert decode_line(line) == record


@pytest.mark.parametrize(
    "record",
    [{}, {"crc": 1}, {"at": float("nan")}, {"text": "x" * MAX_LINE_BYTES}],
    ids=["empty", "crc", "nan", "too long"],
)
def test_what_cannot_be_a_line_is_refused(record: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        encode_line(record)


def test_records_come_back_as_their_classes() -> None:
    seat = SeatRecord(seat_id="s1", role="lead", name="李老师", school="一小")
    records: list[Any] = [
        Opened(recording_id="r", lesson_id="l", title="数学", at=1.0, seats=(seat,)),
        Happened(event_id="e1", event={"type": "chat", "text": "好"}),
        SyncPoint(track_id="t", rtp=2**33, ntp=1.25),
        Gap(at=2.0, track_id="t", rtp=5, reason="lost", packets=3),
        Closed(at=3.0),
    ]
    lines = [decode_line(encode_line(to_line_members(record))) for record in records]
    assert parse_records(line for line in lines if line is not None) == (records, 0)


def test_a_newer_recorders_records_are_passed_over() -> None:
    lines: list[dict[str, object]] = [
        {"type": "closed", "at": 3.0, "mood": "good"},
        {"type": "transcript", "text": "…"},
        {"no": "type"},
    ]
    records, unknown = parse_records(lines)
    assert records == [Closed(at=3.0)]
    assert unknown == 2
