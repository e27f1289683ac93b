#!/bin/sh
# Is there a Node that can build the pages?
set -eu
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    echo "Tongke's pages are built with Node 20 or newer and npm; neither may be missing from PATH." >&2
    exit 1
fi
node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' || {
    echo "Tongke's pages are built with Node 20 or newer; this is $(node --version)." >&2
    exit 1
}
