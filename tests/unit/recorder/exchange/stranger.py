"""A reader of recordings by somebody who has `docs/archive_format.md` and nothing of ours."""

from __future__ import annotations

import hashlib
import json
import struct
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class StrangersTrack:
    seat: str
    source: str
    codec: str
    clock_rate: int
    files: list[tuple[str, int]] = field(default_factory=list)  # name, rtp
    zero_at: float | None = None  # where its timestamp 0 lies, Unix time


def read_export(place: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """`export.json`, and every file by its name, proved; of one that holds another, that one."""
    with zipfile.ZipFile(place) as archive:
        about = json.loads(archive.read("export.json"))
        if (about["format"], about["version"]) != ("tongke-recording", 1):
            raise ValueError("not mine to read")
        files = {}
        for one in about["files"]:
            data = archive.read(one["file"])
            if len(data) != one["bytes"] or hashlib.sha256(data).hexdigest() != one["sha256"]:
                raise ValueError(one["file"])
            held = one.get("holds")
            files[one["file"]] = data[held["begins"] :] if held else data
    return about, files


def read_journal(data: bytes) -> list[dict[str, Any]]:
    lines = []
    for line in data.split(b"\n")[:-1]:  # what has no newline is torn
        body, comma, tail = line.rpartition(b',"crc":')
        if comma and tail == b'"%08x"}' % zlib.crc32(body):
            lines.append(json.loads(body + b"}"))
    return lines


def tracks_of(journal: list[dict[str, Any]]) -> dict[str, StrangersTrack]:
    tracks: dict[str, StrangersTrack] = {}
    for line in journal:
        if line["type"] == "track_started":
            tracks[line["track_id"]] = StrangersTrack(
                line["seat_id"], line["source"], line["codec"], line["clock_rate"]
            )
        elif line["type"] == "segment_started":
            tracks[line["track_id"]].files.append((line["file"], line["rtp"]))
        elif line["type"] == "clock":
            track = tracks[line["track_id"]]
            zero_at = line["at"] - line["rtp"] / track.clock_rate
            track.zero_at = min(zero_at, track.zero_at if track.zero_at is not None else zero_at)
    return tracks


def whole_bytes(data: bytes) -> tuple[int, int]:
    """Of a fragmented MP4: how far its last whole fragment reaches, and how many there are."""
    at = whole = fragments = 0
    last = b""
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if length < 8 or at + length > len(data):
            break
        at += length
        if kind == b"mdat" and last == b"moof":
            whole, fragments = at, fragments + 1
        elif kind == b"moov":
            whole = at
        last = kind
    return whole, fragments


def shown_at(manifest: dict[str, Any], moment: float) -> dict[str, float]:
    """By file, where in it the lesson's moment lies."""
    return {
        part["file"]: moment - part["start_s"]
        for part in manifest["parts"]
        if part["start_s"] <= moment < part["start_s"] + part["duration_s"]
    }
