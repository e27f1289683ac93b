"""How long the recorder waits between two looks at its taps.

A wake-up costs more than a packet: what comes within fifty milliseconds is taken together. But the
kernel holds only so many datagrams for each tap (net.unix.max_dgram_qlen: ten by default), and what
does not fit waits in the media core, which gives a few at each look: a tap that is looked at too
seldom falls behind for ever. So the wait is as long as no tap comes near to being full.
"""

from __future__ import annotations

from pathlib import Path

LONGEST_S = 0.05
# A source of a thousand packets a second fills ten places in this time.
SHORTEST_S = 0.01

QLEN = Path("/proc/sys/net/unix/max_dgram_qlen")
# The kernel's default, where it does not say.
LEAST_HELD = 10

# Fuller than this is near to full; emptier than that, and the wait may grow.
_NEARLY_FULL, _EMPTY_ENOUGH = 0.7, 0.4
_GROWTH = 1.2


class Collecting:
    """`took` says after each look how many datagrams the fullest tap had."""

    def __init__(self, held: int = LEAST_HELD) -> None:
        self._held = held
        self.collect_s = SHORTEST_S

    def took(self, most: int) -> None:
        """Wait longer, or shorter, before the next look."""
        if most >= _NEARLY_FULL * self._held:
            self.collect_s = max(SHORTEST_S, self.collect_s / 2)
        elif most <= _EMPTY_ENOUGH * self._held:
            self.collect_s = min(LONGEST_S, self.collect_s * _GROWTH)


def datagrams_held(path: Path = QLEN) -> int:
    """How many datagrams the kernel holds for one socket."""
    try:
        return max(LEAST_HELD, int(path.read_text()))
    except (OSError, ValueError):
        return LEAST_HELD
