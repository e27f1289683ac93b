"""FFmpeg's RTSP demuxer into its whip muxer, nothing decoded: `… ffmpeg_whip URL WHIP`.

Debian's ffmpeg is older than the muxer (FFmpeg 8), so it is the library in PyAV's wheel: a loop of
three lines for each picture stands where `ffmpeg -c copy` has its own.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import av

from tests.browser.whip_encoder import certificate


def main(url: str, whip: str) -> None:
    """Until killed."""
    with tempfile.TemporaryDirectory(prefix="tongke-benchmark-") as place:
        carry(url, whip, certificate(Path(place)))


def carry(url: str, whip: str, own: dict[str, str]) -> None:
    options = {"rtsp_transport": "tcp", "fflags": "nobuffer", "max_delay": "0"}
    with (
        av.open(url, options=options) as camera,
        av.open(whip, "w", format="whip", options=own) as out,
    ):
        picture = camera.streams.video[0]
        copied = out.add_stream_from_template(picture)
        for packet in camera.demux(picture):
            if packet.dts is not None:
                packet.stream = copied
                out.mux(packet)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
