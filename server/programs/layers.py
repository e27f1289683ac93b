"""How large and how heavy a program's picture is: its layers, the smallest first.

A hall's screen and an archive want 720p; a grid of rooms on a page 360p; a line of 100 kb/s carries
the mixed sound and the smallest, in which labels are still read. What a server's processors allow
(1080p costs twice what 720p does) says its hardware profile.
"""

from __future__ import annotations

from typing import Final

from mixer.composite.process.messages import Layer

FRAMES_PER_S: Final = 25
HEIGHT: Final = 720

# A picture in which nothing changes is sent so often to the lesson; and so often to players of HLS,
# RTMP and SRT, who take one that does not come for a line that is cut.
HEARTBEAT_S: Final = 1.0
PUT_OUT_HEARTBEAT_S: Final = 0.2

LAYERS: Final = (
    Layer(width=320, height=180, bitrate_bps=60_000),
    Layer(width=640, height=360, bitrate_bps=400_000),
    Layer(width=1280, height=720, bitrate_bps=1_500_000),
    Layer(width=1920, height=1080, bitrate_bps=3_000_000),
)


def layers_up_to(height: int, *, most: int = len(LAYERS)) -> tuple[Layer, ...]:
    """A program's whose largest layer is `height` high: of more than `most` the largest."""
    return tuple(layer for layer in LAYERS if layer.height <= height)[-most:]


USUAL_LAYERS: Final = layers_up_to(HEIGHT)

# Speech of several rooms with its own repairs.
MIX_BITRATE_BPS: Final = 40_000
