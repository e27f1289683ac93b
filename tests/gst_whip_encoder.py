"""GStreamer as a WHIP encoder: `/usr/bin/python3 -m tests.gst_whip_encoder ADDRESS WAV`.

Raw pictures come by standard input, the token of the source by the environment (`WHIP_TOKEN`). What
the server refuses ends it with 3.
"""

import os
import sys
from typing import Any

from tests.gst_webrtc import Gst, run

PICTURE = (
    "fdsrc fd=0 ! rawvideoparse format=i420 width=320 height=240 framerate=15/1 ! "
    "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=30 bitrate=600 ! "
    "video/x-h264,profile=constrained-baseline ! h264parse config-interval=-1 ! "
    "rtph264pay mtu=1200 config-interval=-1 aggregate-mode=zero-latency pt=96 ! "
    "application/x-rtp,media=video,encoding-name=H264,payload=96 ! queue ! out."
)
SOUND = (
    "filesrc location={wav} ! wavparse ! audioconvert ! audioresample ! opusenc ! "
    "rtpopuspay pt=97 ! application/x-rtp,media=audio,encoding-name=OPUS,payload=97 ! queue ! out."
)


def main(address: str, wav: str) -> int:
    text = f"webrtcbin name=out bundle-policy=max-bundle latency=0 {PICTURE} {SOUND}"
    pipeline: Any = Gst.parse_launch(text.format(wav=wav))
    return run(pipeline, pipeline.get_by_name("out"), address, os.environ["WHIP_TOKEN"])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
