"""GStreamer as a WHEP player: `/usr/bin/python3 -m tests.gst_whep_player ADDRESS CODEC DIR`.

It offers its picture in this codec alone (H264 or VP8), and Opus. What it decodes it writes to DIR:
`pictures`, each of 640 × 360 bytes of brightness, and `sound`, samples of 16 bits at 48 kHz. The
token comes by the environment (`WHEP_TOKEN`); what the server refuses ends it with 3.
"""

import os
import sys
from typing import Any

from tests.gst_webrtc import Gst, GstWebRTC, run

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
    pipeline: Any = Gst.Pipeline.new(None)
    player: Any = Gst.ElementFactory.make("webrtcbin", None)
    player.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
    player.set_property("latency", 50)  # milliseconds
    pipeline.add(player)

    def comes(_: Any, pad: Any) -> None:
        name = pad.get_current_caps().get_structure(0).get_string("encoding-name")
        raw, file = (SOUND, "sound") if name == "OPUS" else (PICTURES, "pictures")
        sink = f"filesink location={folder}/{file} buffer-mode=unbuffered async=false sync=false"
        text = f"queue ! {DECODERS[name]} ! queue ! {raw} ! {sink}"
        branch = Gst.parse_bin_from_description(text, True)
        pipeline.add(branch)
        branch.sync_state_with_parent()
        pad.link(branch.get_static_pad("sink"))

    player.connect("pad-added", comes)
    receives = GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY
    for name in (codec, "OPUS"):
        player.emit("add-transceiver", receives, Gst.Caps.from_string(OFFERED[name]))
    return run(pipeline, player, address, os.environ["WHEP_TOKEN"])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
