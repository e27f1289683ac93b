"""A part's HLS playlist: the byte ranges of its pieces (RFC 8216 §4.3.2.2, §4.3.2.5).

For players that know HLS and not our index: Safari on a telephone, VLC, hls.js. It stands beside
the part and names it, so a folder with both plays wherever it is served from.
"""

from __future__ import annotations

import math

from recorder.muxing import PICTURE_RATE
from recorder.segmented_part import SegmentedFile


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
