#!/bin/sh
# The benchmarks compare with Debian's Janus. Installs it when it may; says so when it may not.
# Exits 0 either way: without Janus everything else is still measured.
set -eu
[ -x /usr/bin/janus ] && exit 0

without() {
    echo "$1" >&2
    echo "Without it the other servers are measured." >&2
    exit 0
}

command -v apt-get >/dev/null || without \
    "The comparison with Janus needs Debian's package janus (1.1), which this system has not."
[ "$(id -u)" = 0 ] || without \
    "The comparison with Janus needs Debian's package. As root: apt-get install janus"

echo "Installing Janus for the benchmarks …"
# Its service is not started: the benchmark starts Janus itself, with its own configuration.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT TERM HUP
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
fi
# Bounded: a mirror that does not answer and a lock that is not let go are not waited for.
apt() {
    DEBIAN_FRONTEND=noninteractive timeout 300 apt-get -qq -o DPkg::Lock::Timeout=60 \
        -o Acquire::http::Timeout=30 -o Acquire::Retries=1 "$@" </dev/null >/dev/null
}
apt update || echo "apt-get update failed; its lists may be old." >&2
apt install -y --no-install-recommends janus || without \
    "Janus could not be installed (its reason stands above). By hand: apt-get install janus"
if command -v systemctl >/dev/null && [ -d /run/systemd/system ]; then
    systemctl disable --quiet janus || true
fi
