"""Kills at random of whatever has a recording in its hands, and what is left of it.

Recorder, server, finishing and upload are killed (SIGKILL) at moments that nobody chose; what is
left is finished as a server would that starts again, and counted: what was sent and is in no part
is lost. Beside it FFmpeg's own recorder is killed in the same way. `benchmarks.archive` runs it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av

from benchmarks.archived_lesson import FRAMES_PER_S, SOUND_S, LessonShape, write_lesson
from benchmarks.ffmpeg_recorder import FfmpegRecorder, lost_of, packets_of
from benchmarks.recorder_load import FedRecorder
from benchmarks.stand_in_server import StandInServer
from benchmarks.upload_child import objects_at
from recorder.manifest import read_manifest
from recorder.recording_folder import JOURNAL, TRACKS
from recorder.segmented_part import count_samples
from recorder.stored_pieces import key_of, read_ledger
from recorder.verification import ArchiveCondition, verify
from tests.object_server import has_object_server, object_server

KILLED = LessonShape(seconds=0, pictures=2, sounds=2, picture_bps=400_000)
UPLOADED = LessonShape(seconds=30, pictures=2, sounds=2)  # some twelve megabytes
KILL_AFTER_S = (1.5, 4.0)
FINISHING_S, UPLOAD_S = (0.1, 1.2), (0.6, 2.5)  # with starting, which takes half a second
# Matroska's clusters last five seconds: it is killed when it has written some.
PEER_RUNS_S = 6.0
TEN = 10  # of ten kills one is of the finishing, one of an upload
_BEGINS_S = 60.0
_NO_MORE_KILLS = 5  # what is killed so often is let through


@dataclass
class Toll:
    """What the kills of one kind cost."""

    lost_s: list[float] = field(default_factory=list)
    not_whole: int = 0

    def add(self, lost_s: float, *, whole: bool) -> None:
        """One more."""
        self.lost_s.append(lost_s)
        self.not_whole += not whole


def measure_kills(folder: Path, kills: int, seed: int, *, peer_every: int = 1) -> dict[str, Any]:
    """So many kills of ours, and one of FFmpeg's beside each `peer_every`th (0: none).

    Where there is no S3 server to upload to, that is told as `no-store`.
    """
    rng = random.Random(seed)
    tolls: defaultdict[str, Toll] = defaultdict(Toll)
    with contextlib.ExitStack() as stack:
        store = None
        if has_object_server():
            store = stack.enter_context(object_server(folder / "weed"))
        for number in range(kills):
            what = _victim(number, with_store=store is not None)
            recording = folder / f"rec{number}"
            if what == "upload":
                assert store is not None
                whole = kill_uploads(folder, recording, store, rng)
                tolls[what].add(0.0 if whole else float("inf"), whole=whole)
            else:
                lost_s, whole = kill_recording(folder, recording, what, rng)
                tolls[what].add(lost_s, whole=whole)
            shutil.rmtree(recording)
            if peer_every and number % peer_every == 0:
                for form, (lost_s, whole) in kill_ffmpeg(folder / f"peer{number}", rng):
                    tolls[f"ffmpeg {form}"].add(lost_s, whole=whole)
    return told(tolls, with_store=store is not None)


def _victim(number: int, *, with_store: bool) -> str:
    if number % TEN == 0:
        return "finishing"
    if number % TEN == 1 and with_store:
        return "upload"
    return "server" if number % 2 else "recorder"


def told(tolls: dict[str, Toll], *, with_store: bool) -> dict[str, Any]:
    """The figures of ours together, and a row for each kind."""
    rows = {
        name: {
            "kills": len(toll.lost_s),
            "lost_median_s": round(statistics.median(toll.lost_s), 3),
            "lost_most_s": round(max(toll.lost_s), 3),
            "not_whole": toll.not_whole,
        }
        for name, toll in tolls.items()
    }
    ours = [toll for name, toll in tolls.items() if not name.startswith("ffmpeg")]
    figures: dict[str, Any] = {
        "kills": sum(len(toll.lost_s) for toll in ours),
        "kill_lost_most_s": round(max(max(toll.lost_s) for toll in ours), 3),
        "kills_not_whole": sum(toll.not_whole for toll in ours),
        "kills_by_victim": rows,
    }
    return figures if with_store else figures | {"no-store": True}


def table(rows: dict[str, dict[str, float]]) -> Iterator[str]:
    """For people; our rows first."""
    yield f"{'killed':24}{'kills':>6}{'lost, median':>14}{'lost, most':>12}{'not whole':>11}"
    for name, row in sorted(rows.items(), key=lambda item: item[0].startswith("ffmpeg")):
        yield (
            f"{name:24}{row['kills']:>6}{row['lost_median_s']:>12.2f} s"
            f"{row['lost_most_s']:>10.2f} s{row['not_whole']:>11}"
        )


def finish_by_itself(recording: Path, *options: str) -> float:
    """Seconds until the process that finishes it has ended. Raises `CalledProcessError`."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "recorder.finish", str(recording), *options], check=True)
    return time.monotonic() - began


def kill_recording(
    folder: Path, recording: Path, what: str, rng: random.Random
) -> tuple[float, bool]:
    """A recorder or its server is killed on the way; of `finishing` the finishing too."""
    after_s = rng.uniform(*KILL_AFTER_S)
    if what == "server":
        server = StandInServer(folder, recording, KILLED)
        begun = Begun(recording)
        while not begun():
            time.sleep(0.01)
        time.sleep(after_s)
        sent = server.kill()
    else:
        recorder = FedRecorder(folder, recording, KILLED)
        recorder.play(after_s, begun=Begun(recording))
        sent = recorder.sent()
        recorder.kill()
    if what == "finishing":
        _kill_child(["recorder.finish", str(recording)], rng.uniform(*FINISHING_S))
    finish_by_itself(recording)
    return what_is_left(recording, sent)


class Begun:
    """Whether a recorder has begun to write: on a busy machine that takes longer than a kill waits.

    Raises `RuntimeError` when it does not.
    """

    def __init__(self, recording: Path) -> None:
        self._tracks = recording / TRACKS
        self._until = time.monotonic() + _BEGINS_S

    def __call__(self) -> bool:
        """As it is now."""
        if time.monotonic() > self._until:
            raise RuntimeError(f"nothing is written to {self._tracks}")
        return self._tracks.is_dir() and any(one.stat().st_size for one in self._tracks.iterdir())


def kill_uploads(folder: Path, recording: Path, port: int, rng: random.Random) -> bool:
    """Its upload is killed until it comes through. Whether every byte is there and proved."""
    write_lesson(recording, UPLOADED)
    finish_by_itself(recording)
    before = {path.name: path.read_bytes() for path in recording.iterdir() if path.suffix == ".mp4"}
    prefix = f"killed-{rng.randrange(1 << 32)}"
    command = ["benchmarks.upload_child", str(folder), recording.name, str(port), prefix]
    for _ in range(_NO_MORE_KILLS):
        if _kill_child(command, rng.uniform(*UPLOAD_S)):
            break
    else:
        subprocess.run([sys.executable, "-m", *command], check=True)
    released = not any((recording / name).exists() for name in before)
    there = asyncio.run(_stored(recording, port, prefix, list(before)))
    return released and there == before and verify(recording).condition is ArchiveCondition.WHOLE


async def _stored(recording: Path, port: int, prefix: str, names: list[str]) -> dict[str, bytes]:
    objects, ledger = objects_at(port, prefix), read_ledger(recording)
    found = {}
    for name in names:
        keys = [
            key_of(recording.name, name, number, piece)
            for number, piece in enumerate(ledger.pieces[name])
        ]
        found[name] = b"".join([await objects.get(key) for key in keys])
    return found


def _kill_child(module: list[str], after_s: float) -> bool:
    """SIGKILL after so long; whether it was done before."""
    child = subprocess.Popen([sys.executable, "-m", *module], start_new_session=True)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(after_s)
    done = child.returncode == 0
    with contextlib.suppress(ProcessLookupError):  # it was done
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    return done


def what_is_left(recording: Path, sent: dict[str, int]) -> tuple[float, bool]:
    """(the most seconds that a source lacks, whether all is proved and read by others, too)."""
    manifest = read_manifest(recording)
    if manifest is None or len(manifest.parts) != KILLED.pictures or manifest.missing:
        return float("inf"), False
    whole = verify(recording).condition is ArchiveCondition.WHOLE
    whole &= (recording / JOURNAL).is_file()
    lost_s = 0.0
    for part in manifest.parts:
        number = part.seat_id.removeprefix("seat")
        path = recording / part.file
        frames, _ = count_samples(path)
        lost_s = max(lost_s, (sent[f"v{number}"] - frames) / FRAMES_PER_S)
        lost_s = max(lost_s, sent[f"a{number}"] * SOUND_S - part.duration_s)
        whole &= frames in (packets_of(path) or [])
        with av.open(str(path)) as container:
            whole &= sum(1 for _ in container.decode(video=0)) == frames
    return lost_s, whole


def kill_ffmpeg(folder: Path, rng: random.Random) -> Iterator[tuple[str, tuple[float, bool]]]:
    """What FFmpeg leaves, by the form of the file."""
    folder.mkdir()
    recorder = FfmpegRecorder(folder, KILLED)
    recorder.play(PEER_RUNS_S + rng.uniform(*KILL_AFTER_S))
    sent = recorder.kill()
    for form, file in recorder.files.items():
        yield form, lost_of(file, sent)
    shutil.rmtree(folder)
