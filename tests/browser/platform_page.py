"""A district's own platform, as small as one can be: a site beside ours that plays a lesson by HLS.

Its page is of another origin, has hls.js and a `<video>`, and is told an address and nothing else.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HLS_JS = (
    Path(__file__).parents[2] / "web_client" / "node_modules" / "hls.js" / "dist" / "hls.min.js"
)

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>A platform</title><link rel="icon" href="data:,">
<script src="/hls.js"></script>
<video muted playsinline width="1280" height="720"></video>
<script>
const video = document.querySelector("video");
const faults = [];
function play(address) {
  const hls = new Hls({
    lowLatencyMode: true, maxLiveSyncPlaybackRate: 1.5, liveSyncOnStallIncrease: 0.25,
  });
  window.hls = hls;
  hls.on(Hls.Events.ERROR, (_, data) => {
    faults.push(`${data.fatal} ${data.details}`);
    console.error(data.fatal, data.details, data.response?.url, data.response?.code);
  });
  hls.on(Hls.Events.MANIFEST_PARSED, () => video.play());
  hls.loadSource(address);
  hls.attachMedia(video);
}
</script></html>"""


class _Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = {"/": ("text/html", PAGE.encode()), "/hls.js": ("text/javascript", _hls_js())}
        media_type, body = found.get(self.path, ("text/plain", b""))
        self.send_response(200 if body else 404)
        self.send_header("content-type", media_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as its base has it
        """Says nothing."""


@functools.cache
def _hls_js() -> bytes:
    return HLS_JS.read_bytes()


@contextmanager
def platform() -> Iterator[str]:
    """The site's origin."""
    site = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    thread = threading.Thread(target=site.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{site.server_address[1]}"
    finally:
        site.shutdown()
        thread.join()
        site.server_close()
