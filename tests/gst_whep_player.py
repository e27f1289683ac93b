"""GStreamer's webrtcbin as a WHEP player: `/usr/bin/python3 gst_whep_player.py ADDRESS CODEC DIR`.

It offers its picture in this codec alone (H264 or VP8), and Opus. What it decodes it writes to DIR:
`pictures`, each of 640 × 360 bytes of brightness, and `sound`, samples of 16 bits at 48 kHz. Run by
Debian's own Python, which has its bindings; by WHEP as whepsrc (which Debian has not got) does it.
The token comes by the environment (`WHEP_TOKEN`); what the server refuses ends it with 3.
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

OFFERED = {
    "H264": "application/x-rtp,media=video,encoding-name=H264,payload=96,clock-rate=90000,"
    "packetization-mode=(string)1,profile-level-id=(string)42e01f",
    "VP8": "application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000",
    "OPUS": "application/x-rtp,media=audio,encoding-name=OPUS,payload=97,clock-rate=48000",
}
DECODERS = {
    "H264": "rtph264depay ! h264parse ! openh264dec",
    "VP8": "rtpvp8depay ! vp8dec",
    "OPUS": "rtpopusdepay ! opusdec",
}
PICTURES = (
    "videoconvert ! videoscale add-borders=false ! "
    "video/x-raw,format=GRAY8,width=640,height=360,pixel-aspect-ratio=1/1"
)
SOUND = "audioconvert ! audioresample ! audio/x-raw,format=S16LE,rate=48000,channels=1"


def main(address: str, codec: str, folder: str) -> int:
    Gst.init(None)
    pipeline: Any = Gst.Pipeline.new(None)
    player: Any = Gst.ElementFactory.make("webrtcbin", None)
    player.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
    player.set_property("latency", 50)  # milliseconds
    pipeline.add(player)
    loop = GLib.MainLoop()
    done: list[bool] = []
    refused: list[int] = []

    def gathered(*_: Any) -> None:
        state = player.get_property("ice-gathering-state")
        offer = player.get_property("local-description")
        if done or offer is None or state != GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            return
        done.append(True)
        request = urllib.request.Request(  # noqa: S310
            address,
            offer.sdp.as_text().encode(),
            {
                "Content-Type": "application/sdp",
                "Authorization": f"Bearer {os.environ['WHEP_TOKEN']}",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                told = answer.read().decode()
        except urllib.error.HTTPError as error:
            refused.append(error.code)
            loop.quit()
            return
        _, sdp = GstSdp.SDPMessage.new_from_text(told)
        kind = GstWebRTC.WebRTCSDPType.ANSWER
        described = GstWebRTC.WebRTCSessionDescription.new(kind, sdp)
        player.emit("set-remote-description", described, Gst.Promise.new())

    def offered(promise: Any, *_: Any) -> None:
        reply = promise.get_reply()  # what is in it lives as long as it
        player.emit("set-local-description", reply.get_value("offer"), Gst.Promise.new())

    def negotiate(*_: Any) -> None:
        player.emit("create-offer", None, Gst.Promise.new_with_change_func(offered))

    def comes(_: Any, pad: Any) -> None:
        name = pad.get_current_caps().get_structure(0).get_string("encoding-name")
        raw, file = (SOUND, "sound") if name == "OPUS" else (PICTURES, "pictures")
        sink = f"filesink location={folder}/{file} buffer-mode=unbuffered async=false sync=false"
        text = f"queue ! {DECODERS[name]} ! queue ! {raw} ! {sink}"
        branch = Gst.parse_bin_from_description(text, True)
        pipeline.add(branch)
        branch.sync_state_with_parent()
        pad.link(branch.get_static_pad("sink"))

    player.connect("on-negotiation-needed", negotiate)
    player.connect("notify::ice-gathering-state", gathered)
    player.connect("pad-added", comes)
    receives = GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY
    for name in (codec, "OPUS"):
        player.emit("add-transceiver", receives, Gst.Caps.from_string(OFFERED[name]))
    pipeline.set_state(Gst.State.PLAYING)
    loop.run()
    pipeline.set_state(Gst.State.NULL)
    return 3 if refused else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
