"""The journal's lines: how one record is framed, and how a journal is read after a crash.

A journal (`journal.jsonl`) is only ever appended to. Each line is one JSON object whose last
member is `crc`: the CRC-32 (as in zlib, eight hex digits) of the line up to the comma before it.
A line counts when it ends with a newline and its CRC fits, so a line torn by a crash or a lost
power supply is known for what it is. Reading keeps every good line, also behind a damaged one.

Sans-IO: bytes in, bytes out. What the records mean is left to `records`, writing and syncing to
`recording_folder`.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

# ,"crc":"89abcdef"} and the newline
_TAIL_BYTES = len(b',"crc":"00000000"}\n')

# An event of the lesson is a few hundred bytes; nothing we write comes near this.
MAX_LINE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class JournalContent:
    """What a journal's bytes hold.

    `ended_bytes` is the length up to the end of the last line that has one: what stands behind it
    is a torn tail, to be cut off before anything is appended. Lines that ended and are not good
    stay where they are: whose fault it is nobody knows, and a person may read them.
    `damaged_lines` counts lines that are not good, the torn tail included; `torn` says whether the
    last one never ended, as a crash may leave it.
    """

    records: tuple[dict[str, object], ...]
    ended_bytes: int
    damaged_lines: int
    torn: bool = False


def encode_line(record: Mapping[str, object]) -> bytes:
    """One record as a line. Raises `ValueError` for what JSON cannot say, or an over-long line."""
    if not record or "crc" in record:
        raise ValueError("a record has members, and none of them is named crc")
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # A lone surrogate (half of a broken name) has no UTF-8; as an escape it survives.
    body = text[:-1].encode("utf-8", "backslashreplace")
    line = body + b',"crc":"%08x"}\n' % zlib.crc32(body)
    if len(line) > MAX_LINE_BYTES:
        raise ValueError(f"a journal line of {len(line)} bytes is over {MAX_LINE_BYTES}")
    return line


def decode_line(line: bytes) -> dict[str, object] | None:
    """The record of one whole line (its newline included); None if the line is not good."""
    if not _TAIL_BYTES < len(line) <= MAX_LINE_BYTES or line[-1:] != b"\n":
        return None
    body, tail = line[:-_TAIL_BYTES], line[-_TAIL_BYTES:]
    if tail != b',"crc":"%08x"}\n' % zlib.crc32(body):
        return None
    try:
        record = json.loads(body + b"}")
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def read_journal(data: bytes) -> JournalContent:
    """Every good record in `data`, oldest first. Never raises: any bytes are a journal."""
    records: list[dict[str, object]] = []
    at = damaged = 0
    while at < len(data):
        newline = data.find(b"\n", at)
        end = len(data) if newline < 0 else newline + 1
        record = decode_line(data[at:end])
        if record is None:
            damaged += 1
        else:
            records.append(record)
        at = end
    ended_bytes = data.rfind(b"\n") + 1
    return JournalContent(tuple(records), ended_bytes, damaged, torn=ended_bytes < len(data))
