#!/bin/sh
# Is there a Node that can build the pages?
set -eu
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    echo "Tongke's pages are built with Node 20.19 or newer and npm; neither may be missing from PATH." >&2
    exit 1
fi
node -e 'const [a, b] = process.versions.node.split(".").map(Number);
process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' || {
    echo "Tongke's pages are built with Node 20.19 or newer; this is $(node --version)." >&2
    exit 1
}
