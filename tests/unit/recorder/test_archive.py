"""A journal read back: tracks, devices and events, whatever a crash left of it."""

from __future__ import annotations

import pytest

from recorder.archive import Standstill, read_archive, track_times
from recorder.errors import FinishError
from recorder.records import (
    AnyRecord,
    ClockPoint,
    Closed,
    DiskRefused,
    Gap,
    Happened,
    Opened,
    Resumed,
    SeatRecord,
    SegmentStarted,
    SwitchedOff,
    SyncPoint,
    TrackStarted,
)

OPENED = Opened(
    recording_id="r",
    lesson_id="l",
    at=100.0,
    seats=(SeatRecord(seat_id="lead", role="lead", name="李老师"),),
)


def started(track_id: str, *, device: str, kind: str = "video", seat: str = "lead") -> TrackStarted:
    return TrackStarted.model_validate(
        {
            "at": 100.0,
            "track_id": track_id,
            "seat_id": seat,
            "source": "room" if kind == "audio" else "teacher",
            "producer_id": "p",
            "device_id": device,
            "kind": kind,
            "codec": "opus" if kind == "audio" else "VP8",
            "clock_rate": 1000,
        }
    )


def points(
    track_id: str, *, clock_offset: float, delay: float, reports: bool = True
) -> list[AnyRecord]:
    """A minute of a track that began at 100; its sender's clock is off by `clock_offset`."""
    out: list[AnyRecord] = []
    for second in range(0, 60, 5):
        rtp = second * 1000
        if reports:
            out.append(SyncPoint(track_id=track_id, rtp=rtp, ntp=100.0 + second + clock_offset))
        out.append(ClockPoint(track_id=track_id, rtp=rtp, at=100.0 + second + delay))
    return out


def test_a_story_is_put_together() -> None:
    archive = read_archive(
        [
            OPENED,
            started("a", device="d"),
            SegmentStarted(at=101.0, track_id="a", file="a-1.webm", rtp=5),
            Gap(at=101.0, track_id="a", rtp=5, reason="lost", packets=1),
            Happened(event_id="1", event={"type": "chat"}),
            SegmentStarted(at=101.0, track_id="never started", file="x.webm", rtp=5),
            Resumed(at=102.0),
            Happened(event_id="1", event={"type": "chat"}),
            Happened(event_id="2", event={"type": "chat"}),
            DiskRefused(at=103.0, code="disk-full", text="The disk is full."),
            Closed(at=104.0),
        ]
    )
    assert [track.files[0].file for track in archive.tracks] == ["a-1.webm"]
    assert archive.tracks[0].gaps == 1
    assert len(archive.events) == 2, "an event sent again after a crash is one event"
    assert archive.pauses == [Standstill(103.0, 104.0, "disk-full", "The disk is full.")]
    assert archive.seats["lead"].name == "李老师"


FULL = DiskRefused(at=10.0, code="disk-full", text="Full.")
OFF = SwitchedOff(at=10.0)
OVER = Happened(event_id="9", event={"type": "lesson_ended", "at": 60.0, "reason": "by-lead"})


@pytest.mark.parametrize(
    ("records", "pauses"),
    [
        ([FULL, Resumed(at=14.0), Closed(at=60.0)], [(10.0, 14.0, "disk-full")]),
        ([FULL, Resumed(at=14.5)], [(10.0, 14.5, "disk-full")]),
        # Written twice: the first time the disk took no more than that.
        ([FULL, FULL, Resumed(at=14.0)], [(10.0, 14.0, "disk-full")]),
        (
            [
                FULL,
                Resumed(at=14.0),
                DiskRefused(at=20.0, code="disk-error", text=""),
                Resumed(at=21.0),
            ],
            [(10.0, 14.0, "disk-full"), (20.0, 21.0, "disk-error")],
        ),
        # Switched off: until it is switched on again, or the lesson is over.
        ([OFF, Resumed(at=14.0), Closed(at=60.0)], [(10.0, 14.0, "switched-off")]),
        ([OFF, Resumed(at=60.0), OVER, Closed(at=60.0)], [(10.0, 60.0, "switched-off")]),
        # … though the recorder was killed meanwhile, or the disk is full when it is switched on.
        ([OFF, FULL, Resumed(at=14.0)], [(10.0, 14.0, "switched-off")]),
        # Killed and back at once is no pause, a server that was off is.
        ([Resumed(at=1.5), Resumed(at=2.5)], []),
        ([Resumed(at=2.0), Resumed(at=62.0)], [(2.0, 62.0, "recorder-away")]),
        # The disk had room again when the lesson was over, and then the end was written, too.
        ([FULL, Resumed(at=90.0), OVER, Closed(at=90.0)], [(10.0, 60.0, "disk-full")]),
        ([OVER, DiskRefused(at=61.0, code="disk-full", text=""), Resumed(at=90.0)], []),
        # After the end there are only tries to finish.
        ([Closed(at=60.0), Resumed(at=900.0), Closed(at=900.0)], []),
    ],
)
def test_where_nothing_was_recorded(
    records: list[AnyRecord], pauses: list[tuple[float, float, str]]
) -> None:
    opened = OPENED.model_copy(update={"at": 0.0})
    found = read_archive([opened, *records]).pauses
    assert [(pause.start, pause.end, pause.code) for pause in found] == pauses


def test_a_clock_that_was_set_back_while_the_recorder_was_away() -> None:
    """By two hours: what follows goes on behind what was; an event told again stays."""
    back = 7200.0
    told_again = {"type": "chat", "at": 155.0}
    archive = read_archive(
        [
            OPENED,
            started("a", device="d"),
            *points("a", clock_offset=0.0, delay=0.05),
            Resumed(at=160.0 - back),
            Happened(event_id="1", event=told_again),
            started("b", device="d").model_copy(update={"at": 160.0 - back}),
            ClockPoint(track_id="b", rtp=0, at=161.0 - back),
            Happened(event_id="2", event={"type": "chat", "at": 170.0 - back}),
            Happened(event_id="3", event={"type": "chat"}),
            Closed(at=180.0 - back),
        ]
    )
    last = 155.05  # the last that was noted before
    a, b = archive.tracks
    assert [point.at for point in a.clock][-1] == last
    assert (b.started.at, b.clock[0].at) == pytest.approx((last, last + 1.0))
    assert archive.events[0] == told_again
    assert archive.events[1]["at"] == pytest.approx(last + 10.0)
    assert archive.pauses == []


def test_a_journal_that_says_no_lesson_is_refused() -> None:
    with pytest.raises(FinishError) as refused:
        read_archive([Resumed(at=1.0), Closed(at=2.0)])
    assert refused.value.code == "no-journal"


def test_a_journal_that_ends_anywhere_is_a_recording() -> None:
    records: list[AnyRecord] = [OPENED, started("a", device="d")]
    records += points("a", clock_offset=9.0, delay=0.05)
    for end in range(1, len(records) + 1):
        archive = read_archive(records[:end])
        assert archive.pauses == []
        assert len(track_times(archive)) == len(archive.tracks)


def test_one_devices_tracks_are_in_step_though_its_picture_is_slow() -> None:
    """The picture is 400 ms behind the sound on the way; the sender's clock tells the truth."""
    archive = read_archive(
        [
            OPENED,
            started("sound", device="pc", kind="audio"),
            started("picture", device="pc"),
            *points("sound", clock_offset=-7200.0, delay=0.05),
            *points("picture", clock_offset=-7200.0, delay=0.45),
        ]
    )
    times = track_times(archive)
    assert times["sound"](30.0) == pytest.approx(times["picture"](30.0), abs=0.001)
    assert times["sound"](30.0) == pytest.approx(130.05, abs=0.01)


@pytest.mark.parametrize(
    ("device", "clock_offset", "reports"),
    [("tablet", 5.0, True), ("pc", 5.0, True), ("pc", 0.0, False)],
    ids=["another device", "the clock was set", "no reports"],
)
def test_other_clocks_are_placed_by_their_own_arrivals(
    device: str, clock_offset: float, reports: bool
) -> None:
    archive = read_archive(
        [
            OPENED,
            started("sound", device="pc", kind="audio"),
            started("picture", device=device),
            *points("sound", clock_offset=0.0, delay=0.05),
            *points("picture", clock_offset=clock_offset, delay=0.15, reports=reports),
        ]
    )
    times = track_times(archive)
    assert times["sound"](30.0) == pytest.approx(130.05, abs=0.01)
    assert times["picture"](30.0) == pytest.approx(130.15, abs=0.01)
