#!/bin/sh
# Tests start programs of Debian's themselves: PostgreSQL, a firewall (nftables), a TURN server
# (coturn), a certificate authority (pebble), proxies (nginx, Caddy), an RTMP server (nginx with its
# module), ffmpeg, a screen (Xvfb), a reader of alert rules (promtool, of prometheus), a reader of units
# (systemd-analyze). Installs what is missing when it may (rsync too, which the pages name); without it
# those tests are skipped.
set -eu
missing=""
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="postgresql"
command -v nft >/dev/null || missing="$missing nftables"
command -v turnserver >/dev/null || missing="$missing coturn"
command -v pebble >/dev/null || missing="$missing pebble"
[ -x /usr/sbin/nginx ] || missing="$missing nginx-light"
[ -e /usr/lib/nginx/modules/ngx_rtmp_module.so ] || missing="$missing libnginx-mod-rtmp"
command -v ffmpeg >/dev/null || missing="$missing ffmpeg"
command -v Xvfb >/dev/null || missing="$missing xvfb"
command -v caddy >/dev/null || missing="$missing caddy"
command -v promtool >/dev/null || missing="$missing prometheus"
command -v systemd-analyze >/dev/null || missing="$missing systemd"
command -v rsync >/dev/null || missing="$missing rsync"
[ -z "$missing" ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing $missing for the tests that need them …"
    apt-get update -qq
    # No service is started: the tests start what they need, with their own configuration.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        trap 'rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
    fi
    # shellcheck disable=SC2086  # a list of package names
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
    if command -v systemctl >/dev/null && [ -d /run/systemd/system ]; then
        systemctl disable --quiet $missing || true
    fi
else
    echo "Without$missing some tests are skipped. As root: apt-get install $missing" >&2
fi
