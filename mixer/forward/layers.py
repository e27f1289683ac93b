"""The layers of a stream: how large, how heavy, alive or not, and which one a tile needs.

Owns the measuring of a layer's bitrate from byte counters and the guess of sizes nobody told us.
Sharing a line among streams is `allocation`'s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from mixer.model import Kind

# A tile may show a layer up to this much enlarged before the next layer is worth its bytes: 25 %
# is hardly seen on moving pictures, while a layer costs three to four times the one below it.
ENLARGEMENT_ALLOWED = 1.25

# The top layer of a stream whose size is unknown, and the factor from layer to layer: the sizes
# our profiles and every browser's default simulcast use.
GUESSED_TOP_SIZE = (1280, 720)
GUESSED_STEP = 2


@dataclass(frozen=True, slots=True)
class Layer:
    """One encoding of a stream, smallest first in `Stream.layers`.

    `width` and `height` are 0 when unknown; a layer that is not `live` sends nothing now (the
    publisher's own line is too weak for it, or nobody wanted it).
    """

    bitrate_bps: int
    live: bool = True
    width: int = 0
    height: int = 0


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


def layer_sizes(layers: tuple[Layer, ...]) -> list[tuple[float, float]]:
    """(width, height) of every layer; unknown ones from their known neighbours, else guessed."""
    known = [index for index, layer in enumerate(layers) if layer.width and layer.height]
    sizes = []
    for index in range(len(layers)):
        if known:
            nearest = min(known, key=lambda at: abs(at - index))
            width, height = layers[nearest].width, layers[nearest].height
            scale = GUESSED_STEP ** (index - nearest)
        else:
            width, height = GUESSED_TOP_SIZE
            scale = GUESSED_STEP ** (index - len(layers) + 1)
        sizes.append((width * scale, height * scale))
    return sizes


def layer_for_tile(layers: tuple[Layer, ...], width: int, height: int) -> int:
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
    # A layer that was stopped by its publisher is silent at once; a still screen sends at least
    # about one frame a second.
    SILENT_AFTER_S = 2.0

    def __init__(self) -> None:
        self._bytes: int | None = None
        self._updated_at = 0.0
        # When it counts as silent if nothing more comes; the past when it is.
        self.silent_at = -math.inf
        self._began_at = 0.0
        self._rate_bps = 0.0

    @property
    def bitrate_bps(self) -> int:
        """The smoothed bitrate."""
        return round(self._rate_bps)

    def live(self, now: float) -> bool:
        """Whether bytes came within the last `SILENT_AFTER_S`."""
        return now < self.silent_at

    def update(self, total_bytes: int, now: float, heard_at: float | None = None) -> None:
        """Take the counter's present value (bytes since the layer began; it never falls).

        `heard_at` is when its last packet came, if that is known better than "just now".
        """
        heard_at = now if heard_at is None else heard_at
        if self._bytes is None:
            self._bytes, self._updated_at, self._began_at = total_bytes, now, now
            if total_bytes:
                self.silent_at = heard_at + self.SILENT_AFTER_S
            return
        elapsed = now - self._updated_at
        if elapsed <= 0:
            return
        grown = max(0, total_bytes - self._bytes)
        if grown:
            if not self.live(now):
                self._rate_bps, self._began_at = 0.0, self._updated_at
            self.silent_at = heard_at + self.SILENT_AFTER_S
        rate = 8 * grown / elapsed
        if not self._rate_bps:
            self._rate_bps = rate
        else:
            settle_s = self.RISE_S if rate > self._rate_bps else self.FALL_S
            # A layer begins with a keyframe: until more is known, all of it counts alike.
            settle_s = min(settle_s, max(0.1, now - self._began_at))
            self._rate_bps += (rate - self._rate_bps) * (1 - math.exp(-elapsed / settle_s))
        self._bytes, self._updated_at = total_bytes, now
