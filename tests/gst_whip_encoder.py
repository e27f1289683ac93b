"""GStreamer's webrtcbin as a WHIP encoder: `/usr/bin/python3 gst_whip_encoder.py ADDRESS WAV`.

Raw pictures come by standard input, the token of the source by the environment (`WHIP_TOKEN`). Run
by Debian's own Python, which has its bindings; by WHIP (RFC 9725), as whipsink (which Debian has
not got) does it. What the server refuses ends it with 3.
"""

import os
import sys
import urllib.error
import urllib.request
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

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
    Gst.init(None)
    text = f"webrtcbin name=out bundle-policy=max-bundle latency=0 {PICTURE} {SOUND}"
    pipeline: Any = Gst.parse_launch(text.format(wav=wav))
    out, loop = pipeline.get_by_name("out"), GLib.MainLoop()
    done: list[bool] = []
    refused: list[int] = []

    def gathered(*_: Any) -> None:
        state, offer = (
            out.get_property("ice-gathering-state"),
            out.get_property("local-description"),
        )
        if done or offer is None or state != GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            return
        done.append(True)
        request = urllib.request.Request(  # noqa: S310
            address,
            offer.sdp.as_text().encode(),
            {
                "Content-Type": "application/sdp",
                "Authorization": f"Bearer {os.environ['WHIP_TOKEN']}",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
                told = answer.read().decode()
        except urllib.error.HTTPError as error:
            refused.append(error.code)
            loop.quit()
            return
        _, sdp = GstSdp.SDPMessage.new_from_text(told)
        kind = GstWebRTC.WebRTCSDPType.ANSWER
        described = GstWebRTC.WebRTCSessionDescription.new(kind, sdp)
        out.emit("set-remote-description", described, Gst.Promise.new())

    def offered(promise: Any, *_: Any) -> None:
        reply = promise.get_reply()  # what is in it lives as long as it
        out.emit("set-local-description", reply.get_value("offer"), Gst.Promise.new())

    def negotiate(*_: Any) -> None:
        out.emit("create-offer", None, Gst.Promise.new_with_change_func(offered))

    out.connect("on-negotiation-needed", negotiate)
    out.connect("notify::ice-gathering-state", gathered)
    pipeline.set_state(Gst.State.PLAYING)
    loop.run()
    pipeline.set_state(Gst.State.NULL)
    return 3 if refused else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
