"""GStreamer's rtspsrc into its webrtcbin, nothing decoded, sent by WHIP:
`/usr/bin/python3 -m benchmarks.rooms.gst_whip URL WHIP`.
"""

import sys
from typing import Any

from tests.gst_webrtc import Gst, run

PIPELINE = (
    "webrtcbin name=out bundle-policy=max-bundle latency=0 "
    "rtspsrc location={url} protocols=tcp latency=0 ! rtph264depay ! h264parse ! "
    "rtph264pay mtu=1200 config-interval=-1 aggregate-mode=zero-latency pt=96 ! "
    "application/x-rtp,media=video,encoding-name=H264,payload=96 ! "
    "out."
)


def main(url: str, whip: str) -> int:
    pipeline: Any = Gst.parse_launch(PIPELINE.format(url=url))
    return run(pipeline, pipeline.get_by_name("out"), whip)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
