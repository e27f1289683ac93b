"""A recording made in virtual time: real packets through real tracks into a real folder.

No process, no socket, no waiting: packets are handed to `Track` with the moment they arrive, what
it gives out goes to a `RecordingFolder` on the disk, as the recorder process does it. A kill leaves
the files as the disk had them at that moment.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recorder.finish import finish
from recorder.recording_folder import MANIFEST, TRACKS, RecordingFolder
from recorder.records import Opened, SeatRecord, TrackEnded, TrackStarted
from recorder.track import Feedback, FrameReady, NewFile, Output, Track, TrackFormat
from tests.recorded_media import Stream

BEGAN = 1_790_000_000.0  # Unix time at which the lesson begins
TICK_S = 0.1  # as often as the recorder process looks at time alone


@dataclass(frozen=True, order=True)
class Packet:
    """A datagram of a track, and when it arrives, in seconds of the lesson."""

    at: float
    track_id: str = field(compare=False)
    data: bytes = field(compare=False)


@dataclass
class RecordedLesson:
    """One recording: `track`s, then `receive` packets, then `kill` or `close`."""

    path: Path
    now: float = 0.0
    _ticked_at: float = 0.0
    _folder: RecordingFolder | None = None
    _tracks: dict[str, Track] = field(default_factory=dict)
    _lives: int = 0

    def open(self) -> None:
        """Begin, or go on after a kill."""
        seats = tuple(
            SeatRecord(seat_id=seat, role="lead" if seat == "lead" else "room")
            for seat in ("lead", "room1")
        )
        opened = Opened(recording_id="rec1", lesson_id="l", at=self._wall, seats=seats)
        self._folder = RecordingFolder(self.path, opened)
        self._lives += 1

    def track(
        self,
        track_id: str,
        stream: Stream,
        *,
        seat: str = "lead",
        source: str = "",
        device: str = "pc",
        producer: str = "",
        beside: bool = False,
    ) -> None:
        """A source is received from now on; `beside`: a smaller layer of it."""
        assert self._folder is not None
        kind = "audio" if stream.codec == "opus" else "video"
        self._folder.start_track(
            TrackStarted.model_validate(
                {
                    "at": self._wall,
                    "track_id": track_id,
                    "seat_id": seat,
                    "source": source or ("room" if kind == "audio" else "teacher"),
                    "producer_id": producer or f"p-{track_id}",
                    "device_id": device,
                    "kind": kind,
                    "codec": stream.codec,
                    "clock_rate": stream.clock_rate,
                    "channels": 2 if kind == "audio" else 0,
                    "beside": beside,
                }
            )
        )
        self._tracks[track_id] = Track(
            track_id,
            TrackFormat(
                kind=kind,
                codec=stream.codec,
                payload_type=stream.payload_type,
                clock_rate=stream.clock_rate,
                channels=2,
                ssrc=stream.ssrc,
            ),
        )

    def receive(self, packets: Iterable[Packet], *, until: float) -> None:
        """Packets arrive in the order of their times; then time goes on to `until`."""
        for packet in sorted(packets):
            if packet.at < self.now:
                continue
            self._go_on(packet.at)
            track = self._tracks.get(packet.track_id)
            if track is not None:
                outputs = track.handle_datagram(packet.data, self.now, self._wall)
                self._apply(packet.track_id, outputs)
        self._go_on(until)

    def kill(self) -> None:
        """The recorder is killed: nothing is closed, what is not written is gone."""
        assert self._folder is not None
        sizes = {file: file.stat().st_size for file in (self.path / TRACKS).iterdir()}
        self._folder.abandon()
        for file, size in sizes.items():
            os.truncate(file, size)
        self._folder = None
        self._tracks.clear()

    def close(self) -> dict[str, Any]:
        """The lesson is over; gives the manifest."""
        if self._folder is None:
            self.open()
        assert self._folder is not None
        for track_id, track in self._tracks.items():
            self._apply(track_id, track.end(self.now, self._wall))
        self._tracks.clear()
        self._folder.close(self._wall, lesson_over=True)
        finish(self.path)
        return json.loads((self.path / MANIFEST).read_text())

    @property
    def _wall(self) -> float:
        return BEGAN + self.now

    def _go_on(self, until: float) -> None:
        while self._ticked_at + TICK_S < until:
            self._ticked_at += TICK_S
            self.now = max(self.now, self._ticked_at)
            for track_id, track in self._tracks.items():
                self._apply(track_id, track.poll(self.now, self._wall))
        self.now = max(self.now, until)

    def _apply(self, track_id: str, outputs: list[Output]) -> None:
        folder = self._folder
        assert folder is not None
        for output in outputs:
            if isinstance(output, FrameReady):
                folder.write_frame(track_id, output.frame, output.pts)
            elif isinstance(output, NewFile):
                folder.start_segment(
                    track_id,
                    rtp=output.rtp,
                    width=output.width,
                    height=output.height,
                    at=self._wall,
                )
            elif isinstance(output, Feedback):
                continue  # nobody is asked
            else:
                if isinstance(output, TrackEnded):
                    folder.end_segment(track_id, output.at)
                folder.append(output)
