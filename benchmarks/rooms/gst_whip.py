"""GStreamer's rtspsrc into its webrtcbin, nothing decoded: `/usr/bin/python3 gst_whip.py URL WHIP`.

Run by Debian's own Python, which has its bindings; by WHIP, as whipsink (which Debian has not got)
does it.
"""

import sys
import urllib.request
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

PIPELINE = (
    "webrtcbin name=out bundle-policy=max-bundle latency=0 "
    "rtspsrc location={url} protocols=tcp latency=0 ! rtph264depay ! h264parse ! "
    "rtph264pay mtu=1200 config-interval=-1 aggregate-mode=zero-latency pt=96 ! "
    "application/x-rtp,media=video,encoding-name=H264,payload=96 ! "
    "out."
)


def main(url: str, whip: str) -> None:
    Gst.init(None)
    pipeline: Any = Gst.parse_launch(PIPELINE.format(url=url))
    out = pipeline.get_by_name("out")
    done: list[bool] = []

    def gathered(*_: Any) -> None:
        state = out.get_property("ice-gathering-state")
        offer = out.get_property("local-description")
        if done or offer is None or state != GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            return
        done.append(True)
        request = urllib.request.Request(  # noqa: S310
            whip, offer.sdp.as_text().encode(), {"Content-Type": "application/sdp"}
        )
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            text = answer.read().decode()
        _, sdp = GstSdp.SDPMessage.new_from_text(text)
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
    GLib.MainLoop().run()


main(sys.argv[1], sys.argv[2])
