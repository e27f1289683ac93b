"""The layers of a stream: how large, how heavy, alive or not, and which one a tile needs.

A layer is large because its pictures are, not because of its name or its place: sizes are those
its own keyframes tell; until then what the sender was told to send; else a guess. Owns that, the
order of layers, which are kept of too many, and the measuring of a layer's bitrate from byte
counters. Sharing a line among streams is `allocation`'s.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mixer.forward.pace import SILENT_AFTER_S
from mixer.model import Kind

# A tile may show a layer up to this much enlarged before the next layer is worth its bytes: 25 %
# is hardly seen on moving pictures, while a layer costs three to four times the one below it.
ENLARGEMENT_ALLOWED = 1.25

# The top layer of a stream whose size is unknown, and the factor from layer to layer: the sizes
# our profiles and every browser's default simulcast use.
GUESSED_TOP_SIZE = (1280, 720)
GUESSED_STEP = 2

# So much longer than the longest usual pause, a layer's rate begins to fall.
USUAL_PAUSES = 1.25

# Below this a face is a few dots: such a layer is kept only where there is no other.
SMALLEST_USEFUL_AREA = 160 * 90


@dataclass(frozen=True, slots=True)
class Layer:
    """One encoding of a stream, smallest first in `Stream.layers`.

    `width` and `height` are its pictures' own, `told_width` and `told_height` what its sender was
    told to send, 0 when unknown; a layer that is not `live` sends nothing now (the publisher's own
    line is too weak for it, or nobody wanted it).
    """

    bitrate_bps: int
    live: bool = True
    width: int = 0
    height: int = 0
    told_width: int = 0
    told_height: int = 0

    @property
    def told(self) -> bool:
        return self.told_width > 0 and self.told_height > 0

    @property
    def measured(self) -> bool:
        return self.width > 0 and self.height > 0


@dataclass(frozen=True, slots=True)
class Stream:
    """A producer as policy sees it."""

    producer_id: str
    kind: Kind
    layers: tuple[Layer, ...]
    paused: bool = False

    @property
    def live_layers(self) -> tuple[int, ...]:
        """Indices of the layers that send, smallest first."""
        return tuple(index for index, layer in enumerate(self.layers) if layer.live)


def layer_sizes(layers: Sequence[Layer]) -> list[tuple[float, float]]:
    """(width, height) of every layer: its own, else what was told, else by its neighbours.

    What was told is corrected by what came of it elsewhere: a camera that could not do 720p sends
    all its layers smaller by the same factor.
    """
    known = {
        index: size for index, layer in enumerate(layers) if (size := _known_size(index, layers))
    }
    sizes = []
    for index in range(len(layers)):
        if known:
            nearest = min(known, key=lambda at: abs(at - index))
            width, height = known[nearest]
            scale = float(GUESSED_STEP) ** (index - nearest)
        else:
            width, height = GUESSED_TOP_SIZE
            scale = float(GUESSED_STEP) ** (index - len(layers) + 1)
        sizes.append((width * scale, height * scale))
    return sizes


def _known_size(index: int, layers: Sequence[Layer]) -> tuple[float, float] | None:
    layer = layers[index]
    if layer.measured:
        return layer.width, layer.height
    if not layer.told:
        return None
    both = [at for at, one in enumerate(layers) if one.measured and one.told]
    if not both:
        return layer.told_width, layer.told_height
    nearest = layers[min(both, key=lambda at: abs(at - index))]
    return (
        layer.told_width * nearest.width / nearest.told_width,
        layer.told_height * nearest.height / nearest.told_height,
    )


def smallest_first(layers: Sequence[Layer], *, most: int) -> list[int]:
    """Which of these layers serve best, at most so many, by the size of their pictures.

    Of too many the largest is kept (recordings, the large picture), then the smallest that shows
    anything (thin lines), then the one nearest to the middle between two kept ones. If there may be
    one only, it is the one in the middle.
    """
    area = [width * height for width, height in layer_sizes(layers)]
    order = sorted(range(len(layers)), key=area.__getitem__)
    if len(order) <= most:
        return order
    useful = [index for index in order if area[index] >= SMALLEST_USEFUL_AREA] or order[-1:]
    if most == 1:
        return [useful[len(useful) // 2]]
    kept = list(dict.fromkeys([useful[-1], useful[0]]))
    while len(kept) < most:
        left = [index for index in useful if index not in kept]
        left = left or [index for index in order if index not in kept]
        kept.append(max(left, key=lambda index: _apart(index, kept, area)))
    return sorted(kept, key=order.index)


def _apart(index: int, kept: Sequence[int], area: Sequence[float]) -> float:
    """How far a layer is from its nearest kept one, as a factor of their areas."""
    return min(max(area[index] / area[one], area[one] / area[index]) for one in kept)


def layer_for_tile(layers: Sequence[Layer], width: int, height: int) -> int:
    """The smallest layer that fills a tile of these pixels well; the top one if none does.

    The picture is shown whole in the tile, so the tighter side decides. A tile of unknown size
    (0) gets the smallest layer.
    """
    for index, (layer_width, layer_height) in enumerate(layer_sizes(layers)):
        enlargement = min(width / layer_width, height / layer_height)
        if enlargement <= ENLARGEMENT_ALLOWED:
            return index
    return len(layers) - 1


class LayerMeter:
    """Bitrate and life of one layer, from its byte counter.

    The rate follows a rise within a second and a fall within several: what a layer may need soon
    matters more than what it needs in a still moment. `update` it every 100 ms to 1 s.
    """

    RISE_S = 1.0
    FALL_S = 5.0

    def __init__(self) -> None:
        # What its stream's pace says: how long a pause is an end, and how long one is usual.
        self.silent_after_s, self.pause_s = SILENT_AFTER_S, 0.0
        self._bytes: int | None = None
        self._updated_at = 0.0
        self._heard_at = -math.inf
        self._began_at = 0.0
        self._rate_bps = 0.0

    @property
    def bitrate_bps(self) -> int:
        """The smoothed bitrate."""
        return round(self._rate_bps)

    @property
    def silent_at(self) -> float:
        """When it counts as silent if nothing more comes; the past when it is."""
        return self._heard_at + self.silent_after_s

    def live(self, now: float) -> bool:
        """Whether bytes came within the last `silent_after_s`."""
        return now < self.silent_at

    def hear(self, heard_at: float) -> None:
        """Something came that says nothing of the rate: it lives, or begins to."""
        if not self.live(heard_at):
            self._rate_bps, self._began_at = 0.0, heard_at
        self._heard_at = heard_at

    def update(self, total_bytes: int, now: float, heard_at: float | None = None) -> None:
        """Take the counter's present value (bytes since the layer began; it never falls).

        `heard_at` is when its last packet came, if that is known better than "just now".
        """
        heard_at = now if heard_at is None else heard_at
        if self._bytes is None:
            self._bytes, self._updated_at, self._began_at = total_bytes, now, now
            if total_bytes:
                self._heard_at = heard_at
            return
        elapsed = now - self._updated_at
        if elapsed <= 0:
            return
        grown = max(0, total_bytes - self._bytes)
        if not grown and now < self._heard_at + USUAL_PAUSES * self.pause_s:
            return  # the next picture brings what this time is worth
        if grown:
            if not self.live(now):
                self._rate_bps, self._began_at = 0.0, self._updated_at
            self._heard_at = heard_at
        rate = 8 * grown / elapsed
        if not self._rate_bps:
            self._rate_bps = rate
        else:
            settle_s = self.RISE_S if rate > self._rate_bps else self.FALL_S
            # A layer begins with a keyframe: until more is known, all of it counts alike.
            settle_s = min(settle_s, max(0.1, now - self._began_at))
            self._rate_bps += (rate - self._rate_bps) * (1 - math.exp(-elapsed / settle_s))
        self._bytes, self._updated_at = total_bytes, now
