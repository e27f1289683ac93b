#!/bin/sh
# Is this Python new enough, and can it make virtual environments and build extensions?
# Installs what Debian packages for it when it may; says what to install when it may not, in both
# languages: who reads it may read one of them only.
set -eu
python=${1:-python3}
stop() {
    printf '%s\n' "$@" >&2
    exit 1
}

command -v "$python" >/dev/null || stop \
    "同课需要 Python 3.11 或更新的版本，但没有找到 $python。" \
    "Tongke needs Python 3.11 or newer: '$python' was not found."
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || stop \
    "同课需要 Python 3.11 或更新的版本，而 $python 是 $("$python" -V)。可以试试：make PYTHON=python3.11" \
    "Tongke needs Python 3.11 or newer; '$python' is $("$python" -V). Try: make PYTHON=python3.11"
command -v cc >/dev/null || stop \
    "同课要编译原生代码，需要 C 编译器：apt-get install gcc" \
    "Tongke builds a native module and needs a C compiler: apt-get install gcc"

missing=""
"$python" -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
"$python" -c 'import os, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))' || missing="$missing python3-dev"
[ -z "$missing" ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "正在安装$missing … Installing$missing …"
    apt-get update -qq
    # shellcheck disable=SC2086  # a list of package names
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
    stop "同课需要$missing。请以 root 运行：apt-get install$missing" \
        "Tongke needs$missing. As root: apt-get install$missing"
fi
