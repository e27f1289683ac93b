"""The playlists of low-latency HLS (RFC 8216bis), of what a segmenter holds. Pure.

Addresses are relative: `1.m4s` a segment, `1.2.m4s` one of its parts, `header0.mp4` what a player
reads first. Only the newest segments tell their parts (§4.4.4.9): who is further back takes whole
ones.
"""

from __future__ import annotations

import datetime
import math

from mixer.outputs.fmp4 import H264Header
from mixer.outputs.segmenter import (
    LONGEST_SEGMENT_S,
    PART_TARGET_S,
    HlsSegment,
    Segmenter,
)

INDEX = "index.m3u8"  # what a player is given
MEDIA = "media.m3u8"

# §4.4.3.1: whole seconds, and no segment is longer. One picture may be missing before a cut.
TARGET_S = math.ceil(LONGEST_SEGMENT_S) + 1

# A player stays so far behind the newest part: at least three parts (§4.4.3.8). Each comes with a
# playlist and a request of its own, which over a school's line are 200 ms each now and then. With
# less a player cannot make up by playing faster: hls.js does so only with a second in hand.
HOLD_BACK_S = 1.0

# Parts are told for three target durations (§4.4.4.9).
_PARTS_TOLD_S = 3 * TARGET_S

# The mix, and a picture at its cap; players of one variant choose by it nothing.
_SOUND_CODEC = "mp4a.40.2"


def variants(header: H264Header, bandwidth_bps: int) -> str:
    """The first playlist: what there is, of which a player takes the one there is."""
    width, height = header.size
    return _text(
        "#EXTM3U",
        "#EXT-X-VERSION:9",
        f'#EXT-X-STREAM-INF:BANDWIDTH={bandwidth_bps},CODECS="{header.codec},{_SOUND_CODEC}",'
        f"RESOLUTION={width}x{height}",
        MEDIA,
    )


def media_playlist(held: Segmenter) -> str:
    """All that is in the window, and where the next part will be."""
    first = held.segments[0]
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:9",
        f"#EXT-X-TARGETDURATION:{TARGET_S}",
        f"#EXT-X-PART-INF:PART-TARGET={PART_TARGET_S}",
        f"#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK={HOLD_BACK_S}",
        f"#EXT-X-MEDIA-SEQUENCE:{first.number}",
        f"#EXT-X-DISCONTINUITY-SEQUENCE:{held.discontinuities_past}",
    ]
    header: int | None = None
    behind_s = sum(one.duration_s for one in held.segments)
    for segment in held.segments:
        behind_s -= segment.duration_s
        if segment.discontinuity:
            lines.append("#EXT-X-DISCONTINUITY")
        if segment.header != header:
            header = segment.header
            lines.append(f'#EXT-X-MAP:URI="header{header}.mp4"')
        lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{_date(segment.unix_s)}")
        if behind_s < _PARTS_TOLD_S or not segment.whole:
            lines += _parts(segment)
        if segment.whole:
            lines += [f"#EXTINF:{segment.duration_s:.5f},", f"{segment.number}.m4s"]
    number, part = held.next_part
    lines.append(f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="{number}.{part}.m4s"')
    return _text(*lines)


def _parts(segment: HlsSegment) -> list[str]:
    return [
        f'#EXT-X-PART:DURATION={part.duration_s:.5f},URI="{segment.number}.{place}.m4s"'
        + (",INDEPENDENT=YES" if part.independent else "")
        for place, part in enumerate(segment.parts)
    ]


def _date(unix_s: float) -> str:
    moment = datetime.datetime.fromtimestamp(unix_s, datetime.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _text(*lines: str) -> str:
    return "\n".join(lines) + "\n"
