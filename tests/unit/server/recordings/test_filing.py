"""Filing: what the catalogue is told of a recording whose lesson is over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable
from pathlib import Path

import pytest

from recorder import control as c
from recorder.manifest import Manifest, write_manifest
from recorder.recording_folder import JOURNAL, MANIFEST
from server.errors import Refusal
from server.recordings.filing import Filing
from server.recordings.leftovers import FILED
from server.recordings.phases import RecorderPhase
from server.recordings.recorded import Recorded

MADE = Manifest(recording_id="rec1", started_at=5.0, duration_s=1.0, parts=(), poster="poster.jpg")


class Desk:
    """Filing, a store and a catalogue that note what they hear, a recorder that does nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: list[str] = []
        self.sent: list[str] = []
        self.kept: dict[str, Recorded] = {}
        self.filing = Filing(self.kept, folder, self, self, self._tell_recorder)
        (folder / "rec1").mkdir()
        (folder / "rec1" / JOURNAL).touch()

    def _tell_recorder(self, recorded: Recorded) -> None:
        self.sent.append(recorded.phase.value)

    async def put(self, recording_id: str, folder: Path, names: Iterable[str]) -> None:
        assert folder == self.folder / recording_id
        self.told.append(f"put: {' '.join(names)}")

    async def open(self, recording_id: str, name: str) -> Path | None:
        raise AssertionError("nobody reads here")

    async def stream(self, recording_id: str, name: str) -> None:
        raise AssertionError("nobody reads here")

    async def drop(self, recording_id: str, names: Collection[str]) -> None:
        raise AssertionError("nothing is dropped here")

    async def bring(self, recording_id: str, name: str) -> Path | None:
        raise AssertionError("nobody reads here")

    async def sweep(self, now: float) -> None:
        raise AssertionError("nothing is swept here")

    async def remove(self, recording_id: str) -> None:
        raise AssertionError("nothing is removed here")

    async def added(self, recording_id: str, lesson_id: str, started_at: float) -> None:
        self.told.append("added")

    async def finished(self, recording_id: str, manifest: Manifest) -> None:
        assert manifest == MADE
        self.told.append("finished")

    async def failed(self, recording_id: str, reason: str) -> None:
        self.told.append(f"failed: {reason}")

    async def finishing(self, recording_id: str) -> None:
        self.told.append("finishing")


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    desk = Desk(tmp_path)
    desk.filing.chores.start()
    yield desk
    await desk.filing.chores.close()


async def test_a_torn_manifest_is_a_failure_that_the_button_tries_again(desk: Desk) -> None:
    """It is told at once, not by itself tried again, and what stands is left as it is."""
    torn = desk.folder / "rec1" / MANIFEST
    torn.write_bytes(b'{"version": 1, "parts"')
    desk.kept["rec1"] = Recorded("rec1", "l", phase=RecorderPhase.FINISHING)
    desk.filing.finished("rec1")
    await desk.filing.chores.done()
    (told,) = desk.told
    assert told.startswith("failed: ") and str(torn) in told
    assert desk.kept["rec1"].phase is RecorderPhase.NOT_FINISHED
    assert torn.read_bytes() == b'{"version": 1, "parts"'
    desk.filing.look(1e9)
    assert desk.sent == []
    write_manifest(desk.folder / "rec1", MADE)  # restored from a backup
    desk.filing.again("rec1", 0.0)
    assert desk.sent == ["finishing"]
    desk.filing.finished("rec1")
    await desk.filing.chores.done()
    # What is kept is kept before anybody is told of it.
    assert desk.told[1:] == ["finishing", "put: poster.jpg", "finished"]
    assert desk.kept == {}
    assert (desk.folder / "rec1" / FILED).is_file()


async def test_what_failed_is_tried_again_later_and_later_from_where_it_failed(desk: Desk) -> None:
    desk.kept["rec1"] = Recorded("rec1", "l", phase=RecorderPhase.CLOSING)
    full = c.RecordingFailed(recording_id="rec1", code="disk-full", text="The disk is full.")
    now, at = 0.0, []
    desk.filing.failed(full, now)
    while now < 20_000:
        now += 10
        desk.filing.look(now)
        if desk.sent:
            at.append((now, desk.sent.pop()))
            desk.filing.failed(full, now)
    assert [tried for _, tried in at] == ["closing"] * 4
    assert [moment for moment, _ in at] == [30, 330, 2130, 9330]
    assert desk.kept["rec1"].phase is RecorderPhase.NOT_CLOSED


async def test_the_button_finishes_what_an_earlier_server_left(desk: Desk) -> None:
    desk.filing.again("rec1", 0.0)
    desk.filing.again("rec1", 0.0)  # it is being tried
    assert desk.sent == ["finishing"]
    for kept, phase in (
        (None, None),
        ("rec2", RecorderPhase.RECORDING),
        ("rec2", RecorderPhase.PAUSED),
    ):
        if kept is not None and phase is not None:
            desk.kept[kept] = Recorded(kept, "l", phase=phase)
        with pytest.raises(Refusal, match="cannot-be-finished"):
            desk.filing.again("rec2", 0.0)
