"""A network camera: GStreamer's RTSP server around x264, fed raw I420 pictures on standard input.

Run by Debian's own Python (`/usr/bin/python3 camera_server.py JSON`), one camera a process: the
server hangs as a whole after one bad pipeline. Prints its port when it listens.
"""

import json
import sys
import threading
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

PICTURES = (
    "( appsrc name=pictures is-live=true do-timestamp=true format=time max-buffers=2 "
    "leaky-type=downstream caps=video/x-raw,format=I420,width={width},height={height},"
    "framerate={frame_rate}/1 ! "
)
ENCODERS = {
    "h264": "x264enc tune=zerolatency speed-preset=ultrafast bitrate={kbps} key-int-max={gop} "
    "threads=1 ! video/x-h264,profile={profile},stream-format=byte-stream ! "
    "rtph264pay name=pay0 pt=96 mtu={mtu} config-interval={sets_every_s} )",
    "b-frames": "x264enc speed-preset=ultrafast bitrate={kbps} key-int-max={gop} bframes=2 "
    "b-adapt=false rc-lookahead=3 sync-lookahead=0 threads=1 ! video/x-h264,profile=main ! "
    "rtph264pay name=pay0 pt=96 mtu={mtu} config-interval={sets_every_s} )",
    "h265": "x265enc tune=zerolatency speed-preset=ultrafast bitrate={kbps} key-int-max={gop} ! "
    "rtph265pay name=pay0 pt=96 mtu={mtu} config-interval={sets_every_s} )",
    "jpeg": "jpegenc quality=85 ! rtpjpegpay name=pay0 pt=26 mtu={mtu} )",
}


def main() -> None:
    given = json.loads(sys.argv[1])
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(given["port"]))
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch((PICTURES + ENCODERS[given["codec"]]).format(**given))
    factory.set_shared(True)
    sources: list[Any] = []
    factory.connect("media-configure", lambda _, media: configured(media, sources))
    if given["password"]:
        ask_for_password(server, factory, given["password"])
    server.get_mount_points().add_factory("/main", factory)
    if not server.attach(None):
        sys.exit("the port is taken")
    print(server.get_bound_port(), flush=True)
    size = given["width"] * given["height"] * 3 // 2
    loop = GLib.MainLoop()
    threading.Thread(target=feed, args=(size, sources, loop), daemon=True).start()
    loop.run()


def configured(media: Any, sources: list[Any]) -> None:
    sources[:] = [media.get_element().get_child_by_name("pictures")]


def feed(size: int, sources: list[Any], loop: Any) -> None:
    """Give whoever watches each picture as it comes; nobody watching, it is gone."""
    while len(picture := sys.stdin.buffer.read(size)) == size:
        for source in sources:
            source.emit("push-buffer", Gst.Buffer.new_wrapped(picture))
    loop.quit()


def ask_for_password(server: Any, factory: Any, password: str) -> None:
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    auth.add_digest("admin", password, token)
    server.set_auth(auth)
    rights = "viewer,media.factory.access=true,media.factory.construct=true"
    factory.add_role_from_structure(Gst.Structure.from_string(rights)[0])


main()
