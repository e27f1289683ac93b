#!/bin/sh
# The browser tests drive Debian's Chromium and Firefox and give rooms networks of their own
# (iproute2); certutil (libnss3-tools) tells Chromium whom to trust; Wine runs a room's file for
# Windows.
# Installs what is missing when it may; says so when it may not.
set -eu
missing=""
[ -x /usr/bin/chromium ] || missing="chromium"
command -v firefox-esr >/dev/null || missing="$missing firefox-esr"
command -v certutil >/dev/null || missing="$missing libnss3-tools"
command -v ip >/dev/null || missing="$missing iproute2"
wine=""
command -v wine >/dev/null || wine=" wine wine64"
[ -z "$missing$wine" ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing $missing$wine for the browser tests …"
    apt-get update -qq
    # shellcheck disable=SC2086  # lists of package names
    for packages in "$missing" "$wine"; do
        [ -z "$packages" ] || DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends $packages >/dev/null ||
            echo "Not installed:$packages. Browser tests that need them are skipped." >&2
    done
elif [ -x /usr/bin/chromium ]; then
    echo "Without$missing$wine some browser tests are skipped." \
        "As root: apt-get install$missing$wine" >&2
fi
if [ ! -x /usr/bin/chromium ]; then
    echo "The browser tests need /usr/bin/chromium. As root: apt-get install $missing$wine" >&2
    echo "All other checks: make check check-web test-core" >&2
    exit 1
fi
