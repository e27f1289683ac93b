"""How far a recording has come, on its way from its lesson to the library.

`FOLLOWS` is the whole of it: which phase may follow which. What may not follow does not happen:
a report of the recorder and the end of a lesson cross on their way, and the later one finds the
recording elsewhere than it thought.
"""

from __future__ import annotations

from enum import Enum


class RecorderPhase(Enum):
    """Where the recorder stands with a recording; see `FOLLOWS`."""

    INTERRUPTED = "interrupted"  # an earlier server left it; its lesson may go on
    RECORDING = "recording"  # its lesson is live: it is recorded as far as there is a recorder
    PAUSED = "paused"  # the disk takes nothing; its lesson goes on
    CLOSING = "closing"  # its lesson is over; what is not yet written is written
    NOT_CLOSED = "not-closed"  # that failed
    FINISHING = "finishing"  # its journal is whole; it is made playable
    NOT_FINISHED = "not-finished"  # that failed
    FINISHED = "finished"  # it can be played; the library is told, and then it is no longer kept


FOLLOWS: dict[RecorderPhase, frozenset[RecorderPhase]] = {
    RecorderPhase.INTERRUPTED: frozenset({RecorderPhase.RECORDING, RecorderPhase.FINISHING}),
    RecorderPhase.RECORDING: frozenset({RecorderPhase.PAUSED, RecorderPhase.CLOSING}),
    RecorderPhase.PAUSED: frozenset({RecorderPhase.RECORDING, RecorderPhase.CLOSING}),
    RecorderPhase.CLOSING: frozenset(
        {RecorderPhase.NOT_CLOSED, RecorderPhase.FINISHING, RecorderPhase.FINISHED}
    ),
    RecorderPhase.NOT_CLOSED: frozenset(
        {RecorderPhase.CLOSING, RecorderPhase.FINISHING, RecorderPhase.FINISHED}
    ),
    RecorderPhase.FINISHING: frozenset({RecorderPhase.NOT_FINISHED, RecorderPhase.FINISHED}),
    RecorderPhase.NOT_FINISHED: frozenset({RecorderPhase.FINISHING, RecorderPhase.FINISHED}),
    RecorderPhase.FINISHED: frozenset({RecorderPhase.NOT_FINISHED}),
}

# Its lesson goes on.
LIVE = frozenset({RecorderPhase.RECORDING, RecorderPhase.PAUSED})

# Its lesson is over: where it is when what is being done fails, and where when it is tried again.
FAILS_AS = {
    RecorderPhase.CLOSING: RecorderPhase.NOT_CLOSED,
    RecorderPhase.FINISHING: RecorderPhase.NOT_FINISHED,
    RecorderPhase.FINISHED: RecorderPhase.NOT_FINISHED,
}
AGAIN = {
    RecorderPhase.NOT_CLOSED: RecorderPhase.CLOSING,
    RecorderPhase.NOT_FINISHED: RecorderPhase.FINISHING,
}
