#!/bin/sh
# Encoders of others come in through FFmpeg, and tests let real ones of two makes come: FFmpeg and
# GStreamer. Installs what is missing when it may; without it those tests are skipped. Exits 0.
set -eu
has_encoders() {
    command -v ffmpeg >/dev/null && command -v gst-inspect-1.0 >/dev/null || return 1
    for element in x264enc flvmux rtmp2sink mpegtsmux srtsink voaacenc rawvideoparse \
        webrtcbin nicesink opusenc opusdec openh264dec vp8dec; do
        # Without a version its own is asked for, and ICE elements have another.
        gst-inspect-1.0 --exists --atleast-version=0.1 "$element" || return 1
    done
}
has_encoders && exit 0

packages="ffmpeg gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good
    gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-nice python3-gi
    gir1.2-gst-plugins-bad-1.0"
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing FFmpeg and GStreamer for the tests of encoders …"
    apt-get update -qq
    # shellcheck disable=SC2086  # a list of package names
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null
else
    echo "Without FFmpeg and GStreamer some tests are skipped. As root: apt-get install" $packages >&2
fi
