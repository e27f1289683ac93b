"""What a publisher is told: how much its line carries, and which layers nobody needs.

A publisher with transport-wide feedback finds its rate itself; one without is told by REMB
(draft-alvestrand-rmcat-remb-03), from the loss we see. Which layers are needed follows from the
subscribers' wants.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from mixer.forward.layers import Stream, layer_for_tile
from mixer.model import Kind, Want

# draft-ietf-rmcat-gcc-02 §6: below 2 % loss go up, above 10 % go down, between stay.
LOW_LOSS, HIGH_LOSS = 0.02, 0.10
# With nothing but loss to go by, a line that came back must be full again within ten seconds.
GROWTH_PER_S = 1.35
# Never told to send less: below this no picture is left (speech needs 40 kb/s of it).
FLOOR_BPS = 100_000
# Not told to send much more than it does: what the line has not carried is not known. It must
# leave room for a publisher that has been quiet.
HEADROOM = 2.0
HEADROOM_FLOOR_BPS = 500_000

# A layer that nobody needs is kept so long: tiles change size when people look around.
UNNEEDED_AFTER_S = 10.0


class ReceiveRate:
    """The REMB value for one publish transport without transport-wide feedback.

    Call `handle` with every loss measure, about once a second, and send `bitrate_bps`.
    """

    def __init__(self, now: float, *, max_bps: int, start_bps: int = 1_000_000) -> None:
        self._max_bps = max(FLOOR_BPS, max_bps)
        self._rate_bps = float(min(start_bps, self._max_bps))
        self._updated_at = now

    @property
    def bitrate_bps(self) -> int:
        """What the publisher may send, all its streams together."""
        return round(self._rate_bps)

    def set_max(self, max_bps: int) -> None:
        """The sum of what its sources may send has changed."""
        self._max_bps = max(FLOOR_BPS, max_bps)
        self._rate_bps = min(self._rate_bps, float(self._max_bps))

    def handle(self, now: float, *, loss: float, received_bps: int) -> int:
        """Loss (0 … 1) and bitrate of the last second or so; returns the new value."""
        elapsed = min(5.0, max(0.0, now - self._updated_at))
        self._updated_at = now
        if loss > HIGH_LOSS:
            base = min(self._rate_bps, max(float(received_bps) / (1 - min(loss, 0.9)), FLOOR_BPS))
            self._rate_bps = base * (1 - 0.5 * loss)
        elif loss < LOW_LOSS:
            ceiling = max(HEADROOM * received_bps, HEADROOM_FLOOR_BPS)
            grown = self._rate_bps * GROWTH_PER_S**elapsed
            self._rate_bps = max(self._rate_bps, min(grown, ceiling))
        self._rate_bps = min(max(self._rate_bps, FLOOR_BPS), float(self._max_bps))
        return self.bitrate_bps


def needed_layers(
    streams: Mapping[str, Stream], wants: Iterable[Sequence[Want]], tapped: Collection[str] = ()
) -> dict[str, int]:
    """Per picture how many layers, from the smallest on, somebody may need: at least one.

    A tile may need the layer of its size and, when its line is weak, all below it. What is
    `tapped` (recorded, composited) needs all. One layer stays even when nobody wants it: the next
    subscriber must get a picture at once.
    """
    needed = {
        producer_id: len(stream.layers) if producer_id in tapped else 1
        for producer_id, stream in streams.items()
        if stream.kind is Kind.VIDEO and stream.layers
    }
    for subscriber in wants:
        for want in subscriber:
            if want.producer_id in needed:
                layers = streams[want.producer_id].layers
                upto = 1 + layer_for_tile(layers, want.width, want.height)
                needed[want.producer_id] = max(needed[want.producer_id], upto)
    return needed


class LayerDemand:
    """Says for each picture how many layers should be sent: growth at once, cuts later."""

    def __init__(self) -> None:
        self._told: dict[str, int] = {}
        self._unneeded_since: dict[str, float] = {}

    def update(
        self, needed: Mapping[str, int], offered: Mapping[str, int], now: float
    ) -> dict[str, int]:
        """The new number of layers of each picture for which it changed.

        `needed` is of `needed_layers`; `offered` how many each picture has: a publisher begins
        with all of them. Call it after every change, and every second or so.
        """
        for gone in self._told.keys() - needed.keys():
            del self._told[gone]
            self._unneeded_since.pop(gone, None)
        changes = {}
        for producer_id, layers in needed.items():
            told = self._told.setdefault(producer_id, offered[producer_id])
            if layers >= told:
                self._unneeded_since.pop(producer_id, None)
            elif now - self._unneeded_since.setdefault(producer_id, now) < UNNEEDED_AFTER_S:
                continue
            if layers != told:
                self._told[producer_id] = changes[producer_id] = layers
                self._unneeded_since.pop(producer_id, None)
        return changes
