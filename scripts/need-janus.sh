#!/bin/sh
# The benchmarks compare with Debian's Janus. Installs it when it may; says so when it may not.
# Exits 0 either way: without Janus everything else is still measured.
set -eu
[ -x /usr/bin/janus ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing Janus for the benchmarks …"
    apt-get update -qq
    # Its service is not started: the benchmark starts Janus itself, with its own configuration.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        trap 'rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
    fi
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends janus >/dev/null
    if command -v systemctl >/dev/null && [ -d /run/systemd/system ]; then
        systemctl disable --quiet janus
    fi
else
    echo "The comparison with Janus needs Debian's package. As root: apt-get install janus" >&2
    echo "Without it the other servers are measured." >&2
fi
