#!/bin/sh
# Is this Python new enough, and can it make virtual environments and build extensions?
# Installs what Debian packages for it when it may; says what to install when it may not.
set -eu
python=${1:-python3}

command -v "$python" >/dev/null || { echo "Tongke needs Python 3.11 or newer: '$python' was not found." >&2; exit 1; }
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "Tongke needs Python 3.11 or newer; '$python' is $("$python" -V). Try: make PYTHON=python3.11" >&2
    exit 1
}
command -v cc >/dev/null || { echo "Tongke builds a native module and needs a C compiler: apt-get install gcc" >&2; exit 1; }

missing=""
"$python" -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
"$python" -c 'import os, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))' || missing="$missing python3-dev"
[ -z "$missing" ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing$missing …"
    apt-get update -qq
    # shellcheck disable=SC2086  # a list of package names
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
    echo "Tongke needs$missing. As root: apt-get install$missing" >&2
    exit 1
fi
