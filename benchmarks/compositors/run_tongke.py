"""Tongke's compositor: its process, told by lines as the server tells it, fed as by the pump."""

from __future__ import annotations

import select
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.compositors import BITRATE_BPS, FRAMES_PER_S, HEIGHT, WIDTH
from benchmarks.compositors.arriving import Arriving
from benchmarks.compositors.classroom import PAYLOAD_TYPE, Clip
from benchmarks.compositors.sending import Target
from benchmarks.compositors.speaking import AUDIO_LEVEL_ID, OPUS_PAYLOAD_TYPE, SOUND_SSRC
from benchmarks.servers.bound import bound
from mixer.composite.layouts import ProgramLayout
from mixer.composite.process.messages import (
    Begin,
    Choice,
    Command,
    Counters,
    Layer,
    OpenFeed,
    OpenTap,
    Report,
    Scene,
    SceneSeat,
    StartFeed,
    StartTap,
    TapReady,
    encode,
    parse_report,
)

_PICTURE_SSRC = 0x1234_0000
_MIX_SSRC = 0x1235_0000
_READY_S = 20.0
_STOP_TIMEOUT_S = 5.0

LARGE = Layer(width=WIDTH, height=HEIGHT, bitrate_bps=BITRATE_BPS)
SMALL = Layer(width=640, height=360, bitrate_bps=900_000)
FULL_HD = Layer(width=1920, height=1080, bitrate_bps=3_500_000)


class Tongke:
    """`layers` of the program; `mixes`: the shared one and one for each seat."""

    name = "tongke"
    missing = ""

    def __init__(self, layers: Sequence[Layer] = (LARGE,), *, mixes: bool = False) -> None:
        self._layers = tuple(layers)
        self._mixes = mixes
        self.sound_targets: list[Target] = []
        self.counters: list[Counters] = []

    def start(self, clips: Sequence[Clip]) -> list[Target]:
        """Start it and open everything."""
        return self._start(list(clips), len(clips))

    def start_sound(self, seats: int) -> list[Target]:
        """Start it without any picture: its seats' voices alone, and a mix for each of them."""
        self._start([], seats)
        return self.sound_targets

    def _start(self, clips: list[Clip], count: int) -> list[Target]:
        self._folder = tempfile.TemporaryDirectory(prefix="tongke-program-")
        folder = Path(self._folder.name)
        core = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        core_path = str(folder / "core")
        core.bind(core_path)
        ssrcs = tuple(_PICTURE_SSRC + place for place in range(len(self._layers)))
        self.arriving = Arriving(core, ssrcs[-1] if clips else None)
        self._control, theirs = socket.socketpair()
        self._unread = b""
        with theirs:
            module = [sys.executable, "-m", "mixer.composite.process"]
            self._process = subprocess.Popen(
                bound([*module, f"--control-fd={theirs.fileno()}"]), pass_fds=[theirs.fileno()]
            )
        self._tell(Begin(lesson_id="l", layers=self._layers, frames_per_s=FRAMES_PER_S))
        if clips:
            self._feed(folder / "feed", core_path, "video", ssrcs, "picture")
        seats = [f"seat{place}" for place in range(count)]
        if self._mixes:
            # The shared one is the program's own sound: there is none without its picture.
            for place, seat in enumerate(("", *seats) if clips else seats):
                self._feed(folder / f"mix{place}", core_path, "audio", (_MIX_SSRC + place,), seat)
        targets = []
        for place, (seat, clip) in enumerate(zip(seats, clips, strict=False)):
            picture = folder / f"tap{place}"
            self._tap(picture, core_path, seat=seat, ssrc=clip.ssrc, codec="H264")
            targets.append(Target(socket.AF_UNIX, str(picture)))
        for place, seat in enumerate(seats if self._mixes else ()):
            sound = folder / f"voice{place}"
            self._tap(sound, core_path, seat=seat, ssrc=SOUND_SSRC + place, codec="opus")
            self.sound_targets.append(Target(socket.AF_UNIX, str(sound)))
        sources = ("students",) if clips else ()
        scene_seats = tuple(
            SceneSeat(seat_id=seat, role="room", name=f"第{place}小学", sources=sources)
            for place, seat in enumerate(seats, start=1)
        )
        choice = Choice(number=1, layout=ProgramLayout.FOUR)
        self._tell(Scene(title="第五课", seats=scene_seats, choice=choice))
        return targets

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def stop(self) -> None:
        """End it."""
        self._control.close()
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self.arriving.stop()
        self._folder.cleanup()

    def read_counters(self) -> None:
        """Take what it has said since; what is wrong with it raises."""
        while select.select([self._control], [], [], 0)[0]:
            self._read()

    def _tell(self, command: Command) -> None:
        self._control.sendall(encode(command))

    def _read(self) -> list[Report]:
        data = self._control.recv(1 << 16)
        if not data:
            raise RuntimeError("the compositor has ended; its reason stands above")
        *lines, self._unread = (self._unread + data).split(b"\n")
        said = [parse_report(line) for line in lines]
        self.counters += [one for one in said if isinstance(one, Counters)]
        return said

    def _feed(
        self, path: Path, core_path: str, kind: str, ssrcs: tuple[int, ...], seat: str
    ) -> None:
        is_picture = kind == "video"
        opened = {"feed_id": path.name, "socket_path": str(path), "kind": kind}
        self._tell(OpenFeed.model_validate(opened if is_picture else {**opened, "seat_id": seat}))
        self._tell(
            StartFeed(
                feed_id=path.name,
                media_path=core_path,
                payload_type=PAYLOAD_TYPE if is_picture else OPUS_PAYLOAD_TYPE,
                clock_rate=90_000 if is_picture else 48_000,
                ssrcs=ssrcs,
                audio_level_id=0 if is_picture else 1,
            )
        )

    def _tap(self, path: Path, core_path: str, *, seat: str, ssrc: int, codec: str) -> None:
        is_picture = codec == "H264"
        self._tell(
            OpenTap(
                track_id=path.name,
                socket_path=str(path),
                seat_id=seat,
                source="students" if is_picture else "room",
                producer_id=path.name,
            )
        )
        until = time.monotonic() + _READY_S
        while not any(
            isinstance(one, TapReady) and one.track_id == path.name for one in self._read()
        ):
            if time.monotonic() > until:
                raise RuntimeError("the compositor does not answer")
        self._tell(
            StartTap(
                track_id=path.name,
                kind="video" if is_picture else "audio",
                codec=codec,
                payload_type=PAYLOAD_TYPE if is_picture else OPUS_PAYLOAD_TYPE,
                clock_rate=90_000 if is_picture else 48_000,
                channels=0 if is_picture else 2,
                ssrc=ssrc,
                feedback_path=core_path,
                audio_level_id=0 if is_picture else AUDIO_LEVEL_ID,
            )
        )
