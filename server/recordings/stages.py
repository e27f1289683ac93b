"""How far a recording has come, on its way from its lesson to the library.

`FOLLOWS` is the whole of it: which stage may follow which. What may not follow does not happen:
a report of the recorder and the end of a lesson cross on their way, and the later one finds the
recording elsewhere than it thought.
"""

from __future__ import annotations

from enum import Enum


class Stage(Enum):
    """Where a recording stands; see `FOLLOWS`."""

    INTERRUPTED = "interrupted"  # an earlier server left it; its lesson may go on
    RECORDING = "recording"  # its lesson is live: it is recorded as far as there is a recorder
    PAUSED = "paused"  # the disk takes nothing; its lesson goes on
    CLOSING = "closing"  # its lesson is over; what is not yet written is written
    NOT_CLOSED = "not-closed"  # that failed
    FINISHING = "finishing"  # its journal is whole; it is made playable
    NOT_FINISHED = "not-finished"  # that failed
    FINISHED = "finished"  # it can be played; the library is told, and then it is no longer kept


FOLLOWS: dict[Stage, frozenset[Stage]] = {
    Stage.INTERRUPTED: frozenset({Stage.RECORDING, Stage.FINISHING}),
    Stage.RECORDING: frozenset({Stage.PAUSED, Stage.CLOSING}),
    Stage.PAUSED: frozenset({Stage.RECORDING, Stage.CLOSING}),
    Stage.CLOSING: frozenset({Stage.NOT_CLOSED, Stage.FINISHING, Stage.FINISHED}),
    Stage.NOT_CLOSED: frozenset({Stage.CLOSING, Stage.FINISHING, Stage.FINISHED}),
    Stage.FINISHING: frozenset({Stage.NOT_FINISHED, Stage.FINISHED}),
    Stage.NOT_FINISHED: frozenset({Stage.FINISHING, Stage.FINISHED}),
    Stage.FINISHED: frozenset({Stage.NOT_FINISHED}),
}

# Its lesson goes on.
LIVE = frozenset({Stage.RECORDING, Stage.PAUSED})

# Its lesson is over: where it is when what is being done fails, and where when it is tried again.
FAILS_AS = {
    Stage.CLOSING: Stage.NOT_CLOSED,
    Stage.FINISHING: Stage.NOT_FINISHED,
    Stage.FINISHED: Stage.NOT_FINISHED,
}
AGAIN = {Stage.NOT_CLOSED: Stage.CLOSING, Stage.NOT_FINISHED: Stage.FINISHING}
