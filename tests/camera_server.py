"""A network camera: GStreamer's RTSP server around x264, fed raw I420 pictures on standard input.

Run by Debian's own Python (`/usr/bin/python3 camera_server.py JSON`), one camera a process: the
server hangs as a whole after one bad pipeline. Prints its port when it listens.
"""

import json
import pathlib
import sys
import threading
import time
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402 - after its version

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

# A microphone beside the picture: what is in the file, in a loop, at the wall clock's moment of it.
MICROPHONE = (
    " appsrc name=sound is-live=true format=time max-bytes=65536 "
    "caps=audio/x-raw,format=S16LE,rate={rate},channels=1,layout=interleaved ! "
)
SOUNDS = {  # samples a second, and the encoder
    "pcma": (8_000, "alawenc ! rtppcmapay name=pay1 pt=8"),
    "g722": (16_000, "avenc_g722 ! rtpg722pay name=pay1 pt=9"),
    "aac": (16_000, "voaacenc bitrate=48000 ! rtpmp4gpay name=pay1 pt=97"),
}
BLOCK_S = 0.02


def main() -> None:
    given = json.loads(sys.argv[1])
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(given["port"]))
    factory = GstRtspServer.RTSPMediaFactory()
    launch = (PICTURES + ENCODERS[given["codec"]]).format(**given)
    if given["exact"]:
        launch = launch.replace("do-timestamp=true", "do-timestamp=false")
    sound_rate, sound = SOUNDS.get(given["sound"], (0, ""))
    if sound:
        launch = launch.rstrip(" )") + MICROPHONE.format(rate=sound_rate) + sound + " )"
    factory.set_launch(launch)
    factory.set_shared(True)
    sources: list[Any] = []
    sounds: list[Any] = []
    factory.connect("media-configure", lambda _, media: configured(media, sources, sounds))
    if given["password"]:
        ask_for_password(server, factory, given["password"])
    server.get_mount_points().add_factory("/main", factory)
    if not server.attach(None):
        sys.exit("the port is taken")
    print(server.get_bound_port(), flush=True)
    size = given["width"] * given["height"] * 3 // 2
    loop = GLib.MainLoop()
    rate = given["frame_rate"] if given["exact"] else 0
    threading.Thread(target=feed, args=(size, sources, loop, rate), daemon=True).start()
    if sound:
        speaking = (pathlib.Path(given["sound_file"]).read_bytes(), sound_rate, sounds)
        threading.Thread(target=speak, args=speaking, daemon=True).start()
    loop.run()


def configured(media: Any, sources: list[Any], sounds: list[Any]) -> None:
    sources[:] = [media.get_element().get_child_by_name("pictures")]
    sound = media.get_element().get_child_by_name("sound")
    sounds[:] = [sound] if sound is not None else []


def speak(loop: bytes, rate: int, sounds: list[Any]) -> None:
    """Give each block at the moment of its first sample, which is the time it gets."""
    size = int(rate * BLOCK_S) * 2
    number = int(time.time() / BLOCK_S)
    while True:
        number += 1
        time.sleep(max(0.0, number * BLOCK_S - time.time()))
        at = number * size % len(loop)
        for source in sounds:
            buffer = Gst.Buffer.new_wrapped(loop[at : at + size])
            stamp(buffer, source, number * BLOCK_S)
            source.emit("push-buffer", buffer)


def stamp(buffer: Any, source: Any, taken: float) -> None:
    """Give it the time of its pipeline that was at this moment of the wall clock."""
    late_ns = int((time.time() - taken) * 1e9)
    buffer.pts = max(0, source.get_current_running_time() - late_ns)


def feed(size: int, sources: list[Any], loop: Any, rate: int) -> None:
    """Give whoever watches each picture as it comes; nobody watching, it is gone.

    With a `rate` its time is when it was to be taken, on the wall clock's own grid: a busy machine
    that comes a little late with it is no camera whose times are wrong.
    """
    while len(picture := sys.stdin.buffer.read(size)) == size:
        for source in sources:
            buffer = Gst.Buffer.new_wrapped(picture)
            if rate:
                stamp(buffer, source, int(time.time() * rate) / rate)
            source.emit("push-buffer", buffer)
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
