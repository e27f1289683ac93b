#!/bin/sh
# Tests of networks that block much need a firewall (nftables) and a TURN server (coturn).
# Installs what is missing when it may; without it those tests are skipped. Exits 0 either way.
set -eu
missing=""
command -v nft >/dev/null || missing="nftables"
command -v turnserver >/dev/null || missing="$missing coturn"
[ -z "$missing" ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing $missing for the tests of blocked networks …"
    apt-get update -qq
    # No service is started: the tests start coturn themselves, with their own configuration.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        trap 'rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
    fi
    # shellcheck disable=SC2086  # a list of package names
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
    if command -v systemctl >/dev/null && [ -d /run/systemd/system ]; then
        systemctl disable --quiet coturn nftables || true
    fi
else
    echo "Without$missing the tests of blocked networks are skipped. As root: apt-get install $missing" >&2
fi
