"""A bare page that publishes to and subscribes from a `MediaNode`, driven by a test.

Owns: the page's few functions (plain WebRTC, no client of ours), the page server on 127.0.0.1 (a
secure origin), and carrying descriptions between page and node.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

from mixer.model import ProducerInfo, SourceOffer, Want
from mixer.node import MediaNode

CHROMIUM = "/usr/bin/chromium"
WAIT_S = 120.0  # how long a state may take to come, for a busy, slow machine
ARGUMENTS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip

HTML = """<!doctype html><meta charset=utf-8><title>media</title><body><script>
const state = {};
async function publish(codec, layers, [width, height]) {
  const media = await navigator.mediaDevices.getUserMedia(
    {audio: true, video: {width, height, frameRate: 30}});
  const pc = state.up ?? (state.up = new RTCPeerConnection({bundlePolicy: 'max-bundle'}));
  pc.addTransceiver(media.getAudioTracks()[0], {direction: 'sendonly', streams: [media]});
  const video = pc.addTransceiver(media.getVideoTracks()[0],
    {direction: 'sendonly', streams: [media], sendEncodings: layers});
  const codecs = RTCRtpSender.getCapabilities('video').codecs;
  video.setCodecPreferences(codecs.filter(c =>
    c.mimeType === 'video/' + codec || c.mimeType === 'video/rtx'));
  // A slow machine gives fewer pictures, not smaller ones.
  const parameters = video.sender.getParameters();
  parameters.degradationPreference = 'maintain-resolution';
  await video.sender.setParameters(parameters);
}
async function offer(restart) {
  await state.up.setLocalDescription(await state.up.createOffer({iceRestart: restart}));
  const kinds = state.up.getTransceivers().map(t => [t.mid, t.sender.track.kind]);
  return {sdp: state.up.localDescription.sdp, kinds: Object.fromEntries(kinds)};
}
const accept = sdp => state.up.setRemoteDescription({type: 'answer', sdp});
async function answer(sdp) {
  const pc = state.down ?? (state.down = new RTCPeerConnection({bundlePolicy: 'max-bundle'}));
  await pc.setRemoteDescription({type: 'offer', sdp});
  await pc.setLocalDescription();
  return pc.localDescription.sdp;
}
function view(mid) {
  const track = state.down.getTransceivers().find(t => t.mid === mid).receiver.track;
  const element = document.createElement(track.kind);
  element.autoplay = true; element.playsInline = true;
  element.srcObject = new MediaStream([track]);
  document.body.append(element);
  (state.views ?? (state.views = {}))[mid] = element;
}
function pixels(mid) {
  const video = state.views[mid];
  const canvas = document.createElement('canvas');
  canvas.width = 64; canvas.height = 36;
  const context = canvas.getContext('2d');
  context.drawImage(video, 0, 0, 64, 36);
  const data = context.getImageData(0, 0, 64, 36).data;
  let hash = 0;
  for (let i = 0; i < data.length; i++) hash = (hash * 31 + data[i]) >>> 0;
  return {width: video.videoWidth, height: video.videoHeight, hash};
}
async function stats(which, type) {
  const found = [];
  (await state[which].getStats()).forEach(s => { if (s.type === type) found.push(s); });
  return found;
}
</script>"""


class MediaPage:
    """One page; it may publish, subscribe or both."""

    def __init__(self, page: Page, node: MediaNode, lesson_id: str, device_id: str) -> None:
        self.page, self.node = page, node
        self.lesson_id, self.device_id = lesson_id, device_id
        self.mids: dict[str, str] = {}

    async def publish(
        self,
        codec: str,
        layers: Sequence[dict[str, object]],
        *,
        size: tuple[int, int] = (1280, 720),
        reroute: Callable[[str], str] = lambda sdp: sdp,
    ) -> dict[str, ProducerInfo]:
        """Send the camera and microphone; producers by label."""
        await self.page.evaluate("([c, l, s]) => publish(c, l, s)", [codec, list(layers), size])
        return await self.negotiate(reroute=reroute)

    async def negotiate(
        self, *, restart: bool = False, reroute: Callable[[str], str] = lambda sdp: sdp
    ) -> dict[str, ProducerInfo]:
        """Offer what is sent, apply the answer."""
        offer: dict[str, Any] = await self.page.evaluate("r => offer(r)", restart)
        sources = {
            mid: SourceOffer("room", 48_000)
            if kind == "audio"
            else SourceOffer("teacher", 3_000_000)
            for mid, kind in offer["kinds"].items()
        }
        answer = await self.node.publish(self.lesson_id, self.device_id, offer["sdp"], sources)
        await self.page.evaluate("s => accept(s)", reroute(answer.sdp))
        return {info.label: info for info in answer.producers}

    async def subscribe(
        self,
        wants: Sequence[Want],
        *,
        restart: bool = False,
        reroute: Callable[[str], str] = lambda sdp: sdp,
    ) -> None:
        """Receive these; new pictures are shown."""
        offer = await self.node.subscribe(self.lesson_id, self.device_id, wants, restart=restart)
        if offer is None:
            return
        answer: str = await self.page.evaluate("s => answer(s)", reroute(offer.sdp))
        await self.node.subscribe_answer(self.lesson_id, self.device_id, answer)
        for consumer in offer.consumers:
            if self.mids.get(consumer.producer_id) != consumer.mid:
                self.mids[consumer.producer_id] = consumer.mid
                await self.page.evaluate("m => view(m)", consumer.mid)

    async def pixels(self, producer_id: str) -> dict[str, int]:
        """Size and a hash of the picture as shown now."""
        found: dict[str, int] = await self.page.evaluate("m => pixels(m)", self.mids[producer_id])
        return found

    async def stats(self, which: str, kind: str) -> list[dict[str, Any]]:
        """`getStats` of the connection `up` or `down`, one type."""
        found: list[dict[str, Any]] = await self.page.evaluate(
            "([w, k]) => stats(w, k)", [which, kind]
        )
        return found


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        await reader.readuntil(b"\r\n\r\n")
        body = HTML.encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n"
        writer.write(f"{head}Connection: close\r\n\r\n".encode() + body)
        await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def running_browser() -> AsyncIterator[tuple[Browser, str]]:
    """A Chromium, and the address of the page."""
    server = await asyncio.start_server(_serve, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    try:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            try:
                yield browser, address
            finally:
                await browser.close()
    finally:
        server.close()
        await server.wait_closed()


async def until(condition: Callable[[], Any], *, within_s: float = WAIT_S, what: str = "it") -> Any:
    """Wait until an async condition gives something true; returns it."""
    last: Any = None
    try:
        async with asyncio.timeout(within_s):
            while not (last := await condition()):  # noqa: ASYNC110 - a page's state has no event
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"{what} did not happen within {within_s:g} s; last: {last}") from None
    return last
