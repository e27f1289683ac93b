"""Who sent this picture or sound, and when: marks that survive a real codec.

Owns the mark's form and its two ends, writing and reading. A picture carries a strip of black and
white cells along its lower edge: the seat's number, a frame counter and a checksum. A sound is
told by its base tone. `tests/browser/identity.js` reads the same marks from a page's pixels and
samples; a test holds the two to each other. Leaves drawing and speaking to `scene` and `voice`.

The strip has two rows of 20 cells, each row as high as a 24th of the picture:

    1 0 | identity (8 bits) counter (10 high bits)
    0 1 | counter (6 low bits) CRC-12 of identity and counter

Bits stand highest first, 1 is white. The first two cells of each row are known, so the reader
learns this picture's white and black. At 160×90, the smallest layer in use, a cell is 8 × 4 pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

COLUMNS = 20
ROWS = 2
_SYNC = ((1, 0), (0, 1))
# A row is a 24th of the picture's height: at 360 lines 15 pixels, one macroblock.
_ROW_FRACTION = 24
# Clear of the ends of video range (16…235), where scaling filters overshoot.
WHITE, BLACK = 220, 30
# Below this difference of luma the strip is not there (or the picture is grey mud).
_LEAST_CONTRAST = 60
COUNTER_RANGE = 1 << 16
IDENTITY_RANGE = 1 << 8

# Each seat's base tone. They lie within an octave, so no tone is the overtone of another, and
# 25 Hz apart, which a quarter of a second resolves. All are whole multiples of 1/8 Hz, so that an
# 8 s loop has no seam.
LOWEST_TONE_HZ = 400.0
TONE_STEP_HZ = 25.0
TONES = 16
_BLOCK = 960  # samples, 20 ms at 48 kHz

Luma = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Mark:
    """What a picture says of itself: `identity` 0…255, `counter` 0…65535 (it wraps)."""

    identity: int
    counter: int


def strip_rows(height: int) -> tuple[int, int, int]:
    """Where the two rows lie in a picture of this height: three edges, the last is `height`."""
    return (
        height - round(2 * height / _ROW_FRACTION),
        height - round(height / _ROW_FRACTION),
        height,
    )


def cell_edges(width: int) -> list[int]:
    """The 21 vertical edges of the cells in a picture of this width."""
    return [round(column * width / COLUMNS) for column in range(COLUMNS + 1)]


def crc12(value: int) -> int:
    """CRC-12 of a 24-bit value (polynomial x¹²+x¹¹+x³+x²+x+1, 0x80F, as in 3GPP TS 25.212)."""
    remainder = value << 12
    for bit in range(35, 11, -1):
        if remainder >> bit & 1:
            remainder ^= 0x180F << (bit - 12)
    return remainder


def mark_cells(mark: Mark) -> npt.NDArray[np.uint8]:
    """The strip's cells, shape (2, 20), 1 for white."""
    value = (mark.identity % IDENTITY_RANGE) << 16 | mark.counter % COUNTER_RANGE
    word = value << 12 | crc12(value)
    bits = [word >> bit & 1 for bit in range(35, -1, -1)]
    return np.array([[*_SYNC[0], *bits[:18]], [*_SYNC[1], *bits[18:]]], dtype=np.uint8)


def write_mark(luma: Luma, mark: Mark) -> None:
    """Draw the strip into a luma plane, shape (height, width), in place."""
    height, width = luma.shape
    top, middle, bottom = strip_rows(height)
    widths = np.diff(cell_edges(width))
    lines = np.repeat(np.where(mark_cells(mark), WHITE, BLACK).astype(np.uint8), widths, axis=1)
    luma[top:middle] = lines[0]
    luma[middle:bottom] = lines[1]


def read_mark(luma: Luma) -> Mark | None:
    """The mark of a decoded picture's luma plane, shape (height, width); None if there is none.

    Any size does: the strip scales with the picture. A wrong reading passes once in 4096.
    """
    height, width = luma.shape
    if width < 2 * COLUMNS or height < _ROW_FRACTION:
        return None
    edges = strip_rows(height)
    cells = np.array([_row_means(luma[edges[row] : edges[row + 1]]) for row in range(ROWS)])
    white = (cells[0, 0] + cells[1, 1]) / 2
    black = (cells[0, 1] + cells[1, 0]) / 2
    if white - black < _LEAST_CONTRAST:
        return None
    word = 0
    for bit in (cells[:, 2:] > (white + black) / 2).ravel():
        word = word << 1 | int(bit)
    value = word >> 12
    if crc12(value) != word & 0xFFF:
        return None
    return Mark(identity=value >> 16, counter=value % COUNTER_RANGE)


def _row_means(row: Luma) -> list[float]:
    """The mean of each cell's inner half: its edges are blurred by scaling and coding."""
    height, width = row.shape
    inner = row[height // 4 : max(height - height // 4, height // 4 + 1)]
    edges = cell_edges(width)
    means = []
    for left, right in pairwise(edges):
        quarter = (right - left) // 4
        means.append(float(inner[:, left + quarter : right - quarter].mean()))
    return means


def counter_step(earlier: int, later: int) -> int:
    """How many frames `later` is after `earlier`, over the wrap; negative when it is before."""
    step = (later - earlier) % COUNTER_RANGE
    return step - COUNTER_RANGE if step >= COUNTER_RANGE // 2 else step


def tone_hz(identity: int) -> float:
    """The base tone of a seat's voice."""
    return LOWEST_TONE_HZ + TONE_STEP_HZ * (identity % TONES)


def heard_tones(
    samples: npt.NDArray[np.float64], sample_rate: int, *, least: float = 0.004
) -> set[int]:
    """The tone numbers (identity modulo 16) that sound in this stretch (full scale ±1).

    A tone counts when its amplitude is above `least` (−48 dBFS) and stands 6 dB over what sounds
    half a step beside it: noise and pauses between words do not. Give at least half a second;
    in less than a fifth nothing is heard.
    """
    if len(samples) < sample_rate // 5:
        return set()
    steps = np.arange(-1, 2 * TONES) / 2  # between the tones too: −½, 0, ½, 1, …, 15½
    levels = levels_at(samples, sample_rate, LOWEST_TONE_HZ + TONE_STEP_HZ * steps)
    tones, beside = levels[1::2], np.maximum(levels[0:-1:2], levels[2::2])
    return {int(index) for index in np.flatnonzero((tones > least) & (tones > 2 * beside))}


def levels_at(
    samples: npt.NDArray[np.float64], sample_rate: int, frequencies_hz: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """The amplitude of each frequency: Goertzel's sum in closed form, with a Hann window.

    Summed in blocks, each turned on to its place: the waves are made once, for one block.
    """
    window = np.hanning(len(samples) + 2)[1:-1]
    count = -(-len(samples) // _BLOCK)
    blocks = np.zeros((count, _BLOCK))
    blocks.reshape(-1)[: len(samples)] = samples * window
    turns = -2j * np.pi / sample_rate * frequencies_hz
    waves = np.exp(np.outer(turns, np.arange(_BLOCK)))
    to_place = np.exp(np.outer(turns, np.arange(0, count * _BLOCK, _BLOCK)))
    sums = ((waves @ blocks.T) * to_place).sum(axis=1)
    return np.asarray(2 * np.abs(sums) / window.sum(), dtype=np.float64)
