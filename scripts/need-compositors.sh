#!/bin/sh
# The program's benchmark compares with ffmpeg's xstack and GStreamer's compositor, both Debian's.
# Installs them when it may; says so when it may not. Exits 0 either way: without them the
# compositor is measured alone.
set -eu
missing=""
command -v ffmpeg >/dev/null || missing="ffmpeg"
for element in compositor x264enc rtph264pay avdec_h264; do
    gst-inspect-1.0 --exists "$element" 2>/dev/null && continue
    missing="$missing gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good"
    missing="$missing gstreamer1.0-plugins-ugly gstreamer1.0-libav"
    break
done
[ -z "$missing" ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing $missing for the benchmark …"
    # Bounded: a mirror that does not answer and a lock that is not let go are not waited for.
    apt() {
        DEBIAN_FRONTEND=noninteractive timeout 300 apt-get -qq -o DPkg::Lock::Timeout=60 \
            -o Acquire::http::Timeout=30 -o Acquire::Retries=1 "$@" </dev/null >/dev/null
    }
    apt update || echo "apt-get update failed; its lists may be old." >&2
    # shellcheck disable=SC2086  # a list of package names
    apt install -y --no-install-recommends $missing ||
        echo "They could not be installed (the reason stands above) and are left out." >&2
else
    echo "Without $missing the compositor is measured alone. As root: apt-get install $missing" >&2
fi
