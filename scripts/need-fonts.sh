#!/bin/sh
# Screenshots of the Chinese pages need a font that draws Chinese; without one they show boxes.
set -eu
if ! command -v fc-list >/dev/null; then
    echo "make screens needs fontconfig. As root: apt-get install fontconfig" >&2
    exit 1
fi
[ -n "$(fc-list :lang=zh-cn family)" ] && exit 0
echo "make screens needs a font that draws Chinese. As root: apt-get install fonts-noto-cjk" >&2
exit 1
