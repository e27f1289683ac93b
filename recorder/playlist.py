"""A part's HLS playlist: the byte ranges of its pieces (RFC 8216 §4.3.2.2, §4.3.2.5).

For players that know HLS and not our index: Safari on a telephone, VLC, hls.js. It stands beside
the part and names it, so a folder with both plays wherever it is served from. Where the same part
is there small too, one more names both (§4.3.4), and a player takes what its line carries.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from recorder.muxing import PICTURE_RATE
from recorder.segmented_part import SegmentedFile

_PIECE = re.compile(r"#EXTINF:([0-9.]+),\n#EXT-X-BYTERANGE:(\d+)@")


@dataclass(frozen=True, slots=True)
class Variant:
    """One of several: its playlist's name and text, and what is in it (RFC 6381)."""

    name: str
    text: str
    codecs: str

    @classmethod
    def standing(cls, folder: Path, name: str, codecs: str) -> Variant:
        """Whose playlist stands in the folder. Raises `OSError`."""
        return cls(name, (folder / name).read_text("utf-8"), codecs)

    @property
    def bits_per_s(self) -> tuple[int, int]:
        """Of its dearest piece, and of all together."""
        pieces = [(float(seconds), 8 * int(size)) for seconds, size in _PIECE.findall(self.text)]
        total_s = sum(seconds for seconds, _ in pieces)
        peak = max((bits / seconds for seconds, bits in pieces if seconds), default=0.0)
        mean = sum(bits for _, bits in pieces) / total_s if total_s else 0.0
        return math.ceil(peak), math.ceil(mean)


def master_playlist(variants: Sequence[Variant]) -> str:
    """One that names all, the dearest first: a player begins with the first."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:7"]
    if all("#EXT-X-INDEPENDENT-SEGMENTS" in one.text for one in variants):
        lines.append("#EXT-X-INDEPENDENT-SEGMENTS")
    for one in sorted(variants, key=lambda each: each.bits_per_s, reverse=True):
        peak, mean = one.bits_per_s
        lines.append(
            f'#EXT-X-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={mean},CODECS="{one.codecs}"'
        )
        lines.append(one.name)
    return "\n".join([*lines, ""])


def playlist(name: str, written: SegmentedFile) -> str:
    """The playlist of the part that is called so."""
    longest = max(piece.ticks for piece in written.pieces) / PICTURE_RATE
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-TARGETDURATION:{max(1, math.ceil(longest))}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
    ]
    if all(piece.begins_with_key for piece in written.pieces):
        lines.append("#EXT-X-INDEPENDENT-SEGMENTS")
    lines.append(f'#EXT-X-MAP:URI="{name}",BYTERANGE="{written.header_bytes}@0"')
    for piece in written.pieces:
        lines.append(f"#EXTINF:{piece.ticks / PICTURE_RATE:.5f},")
        lines.append(f"#EXT-X-BYTERANGE:{piece.bytes}@{piece.offset}")
        lines.append(name)
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])
