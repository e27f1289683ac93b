"""A recording to be exported: real packets, finished, with chat, a chapter, names of strangers."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from recorder.checksums import checksum_of
from recorder.exchange.form import ExportAbout, LibraryFacts
from recorder.exchange.making import export_recording
from recorder.exchange.sinks import FolderSink, ZipSink
from recorder.recording_folder import MANIFEST
from recorder.records import Happened
from tests.recorded_lesson import BEGAN, Packet, RecordedLesson
from tests.recorded_media import SOUND, VIDEO, Stream, encode_sound, encode_video, packetise

SECONDS = 4.0
HOSTILE = '</script><b>李\u202e老师\x00 & "co" ]]>'
FACTS = LibraryFacts(
    title="分数的初步认识 <1/2>",
    subject="数学",
    grade="三年级",
    teacher=HOSTILE,
    community="县一小 & 村小",
    schools=("实验小学", "云岭村小; 分校"),
)
EVENTS: list[dict[str, Any]] = [
    {"at": BEGAN + 1.0, "type": "chat", "seat_id": "room1", "name": HOSTILE, "text": "1 < 2 --> &"},
    {"at": BEGAN + 2.0, "type": "floor_given", "seat_id": "room1", "by": "lead"},
    {"at": BEGAN + 2.5, "type": "chapter_marked", "by": "lead"},
    {"at": BEGAN + 3.0, "type": "lesson_ended", "reason": "bell"},
]


def record(
    folder: Path, *, seconds: float = SECONDS, codec: str = "H264", finish: bool = True
) -> None:
    """Two seats' pictures, the lead's sound; the far room is VP8's picture or H.264's."""
    lesson = RecordedLesson(folder)
    lesson.open()
    assert lesson._folder is not None
    sent: list[tuple[str, Stream, list[tuple[float, bytes]]]] = [
        ("a", SOUND, packetise(SOUND, encode_sound(seconds, beeps=(0.5, 2.5)))),
        ("v", VIDEO["H264"], packetise(VIDEO["H264"], encode_video("H264", seconds))),
        ("w", VIDEO[codec], packetise(VIDEO[codec], encode_video(codec, seconds, first=1000))),
    ]
    for track, stream, _ in sent:
        lesson.track(track, stream, seat="room1" if track == "w" else "lead", device=track)
    for number, event in enumerate(EVENTS):
        lesson._folder.append(Happened(event_id=str(number), event=event))
    packets = [Packet(at, track, data) for track, _, media in sent for at, data in media]
    lesson.receive(packets, until=seconds + 0.5)
    if finish:
        lesson.close()
    else:
        lesson.kill()


def fragment(folder: Path) -> None:
    """Its MP4 parts become fragmented ones, as a player that takes pieces has them."""
    members = json.loads((folder / MANIFEST).read_text())
    for path in folder.glob("part-*.mp4"):
        aside = path.with_name("aside.mp4")
        subprocess.run(
            ["ffmpeg", "-v", "error", "-i", path, "-c", "copy", "-movflags",
             "frag_keyframe+empty_moov+default_base_moof", aside],
            check=True,
        )  # fmt: skip
        aside.rename(path)
        taken = checksum_of(path).model_dump()
        members["checksums"] = [
            taken if one["file"] == path.name else one for one in members["checksums"]
        ]
    (folder / MANIFEST).write_text(json.dumps(members))


def exported(folder: Path, place: Path, *, as_zip: bool = False) -> ExportAbout:
    sink = ZipSink(place, at=BEGAN) if as_zip else FolderSink(place)
    return export_recording(folder, sink, FACTS, made_at=BEGAN, made_by="this test")


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def probed(path: Path) -> dict[str, Any]:
    """What ffprobe says of a file."""
    said = subprocess.run(
        [
            "ffprobe", "-v", "error", "-count_packets", "-of", "json",
            "-show_entries", "stream=codec_name,nb_read_packets:format=duration", str(path),
        ],
        capture_output=True, check=True,
    )  # fmt: skip
    return json.loads(said.stdout)
