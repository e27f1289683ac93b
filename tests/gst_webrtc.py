"""GStreamer's webrtcbin with an address of WHIP or WHEP, as whipsink and whepsrc (which Debian has
not got) do it: one offer with all its candidates, one answer (RFC 9725).

Read by Debian's own Python, which has GStreamer's bindings: nothing of the project's own
environment is there. Whoever takes `Gst` from here has it in the version that is asked for here.
"""

import urllib.error
import urllib.request
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402 - after their versions

__all__ = ["REFUSED", "Gst", "GstWebRTC", "run"]

# The exit code of a program whose offer the server refuses.
REFUSED = 3
# Far more than an answer takes: a server with a lesson's first pictures to decode is slow.
_ANSWER_S = 30

Gst.init(None)


def run(pipeline: Any, webrtc: Any, address: str, token: str = "") -> int:
    """Plays the pipeline with what `webrtc`, an element of it, negotiates, until somebody ends it.

    Returns `REFUSED` where the server answers with an error.
    """
    loop = GLib.MainLoop()
    done: list[bool] = []
    refused: list[int] = []
    headers = {"Content-Type": "application/sdp"}
    if token:
        headers["Authorization"] = f"Bearer {token}"

    def gathered(*_: Any) -> None:
        state = webrtc.get_property("ice-gathering-state")
        offer = webrtc.get_property("local-description")
        if done or offer is None or state != GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            return
        done.append(True)
        asked = urllib.request.Request(  # noqa: S310 - the server of the test
            address, offer.sdp.as_text().encode(), headers
        )
        try:
            with urllib.request.urlopen(asked, timeout=_ANSWER_S) as answer:  # noqa: S310 - as above
                told = answer.read().decode()
        except urllib.error.HTTPError as error:
            refused.append(error.code)
            loop.quit()
            return
        _, sdp = GstSdp.SDPMessage.new_from_text(told)
        kind = GstWebRTC.WebRTCSDPType.ANSWER
        described = GstWebRTC.WebRTCSessionDescription.new(kind, sdp)
        webrtc.emit("set-remote-description", described, Gst.Promise.new())

    def offered(promise: Any, *_: Any) -> None:
        reply = promise.get_reply()  # what is in it lives as long as it
        webrtc.emit("set-local-description", reply.get_value("offer"), Gst.Promise.new())

    def negotiate(*_: Any) -> None:
        webrtc.emit("create-offer", None, Gst.Promise.new_with_change_func(offered))

    webrtc.connect("on-negotiation-needed", negotiate)
    webrtc.connect("notify::ice-gathering-state", gathered)
    pipeline.set_state(Gst.State.PLAYING)
    loop.run()
    pipeline.set_state(Gst.State.NULL)
    return REFUSED if refused else 0
