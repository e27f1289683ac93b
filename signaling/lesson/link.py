"""One device's line in a word: good, weak or lost, without flicker.

Measurements come about once a second per direction. A line turns weak after two bad seconds, so
that one burst does not colour the teacher's wall, and good again after five good ones, so that a
line at the edge stays weak. It is lost when a transport falls silent, and at once no longer lost
when it speaks again.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mixer.model import Direction, LinkMeasured, LinkState
from signaling.protocol.messages import LinkQuality

# Above these the class notices: Opus conceals single losses well up to about 5 %, talk becomes
# laboured beyond 400 ms there and back (ITU-T G.114: 150–400 ms one way is already "with care"),
# and below 500 kb/s the rooms' pictures fall to their smallest layer.
BAD_LOSS, BAD_RTT_MS, BAD_AVAILABLE_BPS = 0.05, 400.0, 500_000
# Below these it is certainly good; between the two a line keeps the word it has.
FINE_LOSS, FINE_RTT_MS, FINE_AVAILABLE_BPS = 0.02, 300.0, 700_000
WEAK_AFTER_S, GOOD_AFTER_S = 2.0, 5.0


@dataclass(slots=True)
class _OneWay:
    weak: bool = False
    silent: bool = False
    since: float | None = None  # when measurements began to speak against the present word

    def measure(self, *, bad: bool, fine: bool, now: float) -> None:
        against = fine if self.weak else bad
        if not against:
            self.since = None
            return
        if self.since is None:
            self.since = now
        if now - self.since >= (GOOD_AFTER_S if self.weak else WEAK_AFTER_S):
            self.weak, self.since = not self.weak, None


@dataclass(slots=True)
class DeviceLink:
    """Both directions of a device's line."""

    ways: dict[Direction, _OneWay] = field(
        default_factory=lambda: {direction: _OneWay() for direction in Direction}
    )

    def measured(self, event: LinkMeasured, now: float) -> None:
        """Take one measurement in. `available_bps` counts downwards only, and 0 is unknown.

        It does not count either while it covers all that is wanted: nobody measures more of a line.
        """
        available = event.available_bps if event.direction is Direction.SUBSCRIBE else 0
        if 0 < event.wanted_bps <= available:
            available = 0
        bad = (
            event.loss >= BAD_LOSS
            or event.rtt_ms >= BAD_RTT_MS
            or 0 < available < BAD_AVAILABLE_BPS
        )
        fine = (
            event.loss < FINE_LOSS
            and event.rtt_ms < FINE_RTT_MS
            and (available == 0 or available >= FINE_AVAILABLE_BPS)
        )
        self.ways[event.direction].measure(bad=bad, fine=fine, now=now)

    def transport_changed(self, direction: Direction, state: LinkState) -> None:
        """A transport spoke or fell silent."""
        self.ways[direction].silent = state is LinkState.LOST

    def reset(self) -> None:
        """The peer connections are gone: nothing is known of the line."""
        self.ways = {direction: _OneWay() for direction in Direction}

    @property
    def quality(self) -> LinkQuality:
        """The worse of the two directions."""
        ways = self.ways.values()
        if any(way.silent for way in ways):
            return LinkQuality.LOST
        return LinkQuality.WEAK if any(way.weak for way in ways) else LinkQuality.GOOD
