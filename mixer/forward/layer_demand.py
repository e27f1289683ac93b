"""Which layers of a picture somebody needs, from the subscribers' wants; its publisher is told."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from mixer.forward.layers import Stream, layer_for_tile
from mixer.model import Kind, Want

# A layer that nobody needs is kept so long: tiles change size when people look around.
UNNEEDED_AFTER_S = 10.0


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
