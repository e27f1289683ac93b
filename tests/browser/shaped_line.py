"""One browser's line to the media port, made weak at will: the seeded relay in a thread of its own.

The page is told to take the relay for the server: every candidate in a description that it is
given names the relay, and the way by TCP, which would go round it, is kept from it. Only media goes
this way; the page and its lesson protocol do not.
"""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from typing import Self

from playwright.sync_api import Page

from tests.network_relay import LinkConditions, NetworkRelay

CLEAN = LinkConditions()

_REROUTE = """(() => {
  const set = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function (description) {
    const sdp = description.sdp
      .replace(/a=candidate:\\S+ \\d+ tcp .*\\r\\n/gi, "")
      .replace(/(a=candidate:\\S+ \\d+ udp \\d+) \\S+ \\d+ typ host/gi, "$1 127.0.0.1 %d typ host");
    return set.call(this, { type: description.type, sdp });
  };
})()"""


class ShapedLine:
    """A context manager; `shape` may be called at any time from any thread."""

    def __init__(self, media_port: int, *, seed: int = 1) -> None:
        self._relay = NetworkRelay(server=("127.0.0.1", media_port), seed=seed)
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="shaped line")

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        async with self._relay:
            self._ready.set()
            await self._stop.wait()

    def stand_before(self, page: Page) -> None:
        """The page's media goes over this line from its next navigation on."""
        page.add_init_script(_REROUTE % self._relay.port)

    def shape(self, *, down: LinkConditions = CLEAN, up: LinkConditions = CLEAN) -> None:
        """From now on the line is like this."""
        self._relay.down, self._relay.up = down, up

    def rebind(self) -> None:
        """The room's NAT forgets it: the server sees it under new ports from now on."""
        asyncio.run_coroutine_threadsafe(self._relay.rebind(), self._loop).result()

    @property
    def lost_share(self) -> tuple[float, float]:
        """What was lost so far of all packets, up and down."""
        (up, down), (carried_up, carried_down) = self._relay.lost, self._relay.carried
        return up / max(1, up + carried_up), down / max(1, down + carried_down)
