#!/bin/sh
# Tests receive real network cameras: GStreamer's RTSP server, run by Debian's own Python. Installs
# what is missing when it may; without it those tests are skipped. Exits 0 either way.
set -eu
has_camera() {
    [ -x /usr/bin/python3 ] && /usr/bin/python3 -c '
import gi
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gst, GstRtspServer
Gst.init(None)
assert all(map(Gst.ElementFactory.find, ("x264enc", "x265enc", "jpegenc", "rtph264pay", "rawvideoparse")))
' >/dev/null 2>&1
}
has_camera && exit 0

packages="python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base
    gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly"
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing GStreamer's RTSP server for the tests of cameras …"
    apt-get update -qq
    # shellcheck disable=SC2086  # a list of package names
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null
else
    echo "Without GStreamer's RTSP server some tests are skipped. As root: apt-get install" \
        $packages >&2
fi
