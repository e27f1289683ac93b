#!/bin/sh
# Is there a Node that can build the pages? What is lacking is said in both languages.
set -eu
stop() {
    printf '%s\n' "$@" >&2
    exit 1
}

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    stop "构建同课的网页需要 Node 20.19 或更新的版本，以及 npm；PATH 中缺少其中之一。" \
        "Tongke's pages are built with Node 20.19 or newer and npm; neither may be missing from PATH."
fi
node -e 'const [a, b] = process.versions.node.split(".").map(Number);
process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
    stop "构建同课的网页需要 Node 20.19 或更新的版本；这里的是 $(node --version)。" \
        "Tongke's pages are built with Node 20.19 or newer; this is $(node --version)."
