"""A journal's times as one time that goes on, though the machine's clock was set back meanwhile.

While a recorder lives its clock never jumps. The next one takes the machine's clock as it finds it,
and that may have been set back by hours: what it records would lie over what was there, or before
it. So where a recorder came back before the last thing that the one before it noted, everything
that follows is moved behind that; where the one before was killed, so far behind it that what came
after its last note has its place. (A clock set ahead reads as a pause, and is told as one.)

Sans-IO; all times in seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from recorder.records import AnyRecord, Happened, Resumed, SegmentEnded, SegmentStarted

# Two processes of one machine may note what happens at once in another order by so much.
_SET_BACK_S = 1.0
# An arrival is noted when five seconds are over, and may be the first of them: so much that came
# later no line tells of, when the recorder was killed.
UNNOTED_S = 10.0


def in_one_time(records: Iterable[AnyRecord]) -> Iterator[AnyRecord]:
    """The same records; those behind a clock that was set back are later by that."""
    last = float("-inf")
    shift = resumed_at = 0.0
    unended: set[str] = set()  # files of tracks
    for record in records:
        at = getattr(record, "at", None)
        if isinstance(record, SegmentStarted):
            unended.add(record.file)
        elif isinstance(record, SegmentEnded):
            unended.discard(record.file)
        if isinstance(record, Resumed) and record.at + shift < last - _SET_BACK_S:
            behind = last + UNNOTED_S if unended else last
            shift, resumed_at = behind - record.at, behind
        if isinstance(record, Resumed):
            unended.clear()
        if shift and isinstance(record, Happened):
            yield _moved_event(record, shift, resumed_at)
            continue
        if at is None:
            yield record
            continue
        last = max(last, at + shift)
        yield record.model_copy(update={"at": at + shift}) if shift else record


def _moved_event(record: Happened, shift: float, resumed_at: float) -> Happened:
    """An event has the server's time; one that is told again has that of before."""
    at = record.event.get("at")
    if not isinstance(at, int | float) or at > resumed_at - shift / 2:
        return record
    return record.model_copy(update={"event": {**record.event, "at": at + shift}})
