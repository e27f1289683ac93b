#!/bin/sh
# The browser tests drive Debian's Chromium. Installs it when it may; says so when it may not.
set -eu
[ -x /usr/bin/chromium ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing Chromium for the browser tests …"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
else
    echo "The browser tests need /usr/bin/chromium. As root: apt-get install chromium" >&2
    echo "All other checks: make check check-web test-core" >&2
    exit 1
fi
