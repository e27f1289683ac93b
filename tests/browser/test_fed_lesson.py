"""A lesson's own picture and sound, fed by a process of its own: in a browser, and by WHEP.

The lesson service and the node are the real ones, joined by WebSocket and HTTP as any client joins.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest
import uvicorn
from aiortc import RTCSessionDescription
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from playwright.async_api import Page

from mixer.model import NodeSettings
from mixer.node import MediaNode
from signaling.app_router import routes
from signaling.driver import LessonService
from tests.browser.media_page import WAIT_S, running_browser, until
from tests.feeder import BRIGHTNESS, SAMPLE_RATE, SIZES, TONE_HZ
from tests.unit.node.peers import close_peer, new_peer
from tests.unit.node.test_feeds import feeding, looks, open_feeds
from tests.unit.signaling.fakes import FakeStore, FakeTokens
from tests.unit.signaling.sample_lesson import LESSON, plan

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

HTML = """<!doctype html><meta charset=utf-8><title>fed</title><body><script>
const state = {streams: [], shown: null, tone: null};
const socket = new WebSocket(`ws://${location.host}/ws`);
const say = message => socket.send(JSON.stringify(message));
const pc = new RTCPeerConnection({bundlePolicy: 'max-bundle'});
pc.ontrack = ({track}) => {
  const element = document.createElement(track.kind);
  element.autoplay = true;
  element.srcObject = new MediaStream([track]);
  document.body.append(element);
  if (track.kind === 'video') { state.shown = element; return; }
  const context = new AudioContext();
  state.tone = new AnalyserNode(context, {fftSize: 8192});
  context.createMediaStreamSource(element.srcObject).connect(state.tone);
};
socket.onmessage = async ({data}) => {
  const message = JSON.parse(data);
  if (message.lesson) state.streams = message.lesson.streams;
  if (message.type !== 'subscribe_offer') return;
  await pc.setRemoteDescription({type: 'offer', sdp: message.sdp});
  await pc.setLocalDescription();
  say({type: 'subscribe_answer', sdp: pc.localDescription.sdp});
};
const join = token => {
  say({type: 'join', token});
  setInterval(() => say({type: 'ping'}), 2000);
};
const want = (width, height) => say({type: 'subscribe', wants: state.streams.map(stream =>
  stream.kind === 'video' ? {producer_id: stream.producer_id, width, height}
                          : {producer_id: stream.producer_id})});
function picture() {
  const canvas = document.createElement('canvas');
  canvas.width = 32; canvas.height = 18;
  const context = canvas.getContext('2d');
  if (!state.shown?.videoWidth) return [0, 0, 0];
  context.drawImage(state.shown, 0, 0, 32, 18);
  const data = context.getImageData(0, 0, 32, 18).data;
  let sum = 0;
  for (let i = 0; i < data.length; i += 4) sum += data[i + 1];
  return [state.shown.videoWidth, state.shown.videoHeight, sum / (data.length / 4)];
}
function loudest() {
  if (!state.tone) return 0;
  const bins = new Float32Array(state.tone.frequencyBinCount);
  state.tone.getFloatFrequencyData(bins);
  const at = bins.indexOf(Math.max(...bins));
  return bins[at] > -60 ? at * state.tone.context.sampleRate / state.tone.fftSize : 0;
}
</script>"""


class Http(uvicorn.Server):
    """uvicorn without its signal handlers: they are pytest's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[tuple[str, LessonService, MediaNode]]:
    """A node and the lesson service on it, answering at an address of this machine."""
    node = MediaNode(NodeSettings(host="127.0.0.1", port=0))
    await node.start()
    service = LessonService(node, FakeTokens(), FakeStore(replace(plan(), started_at=time.time())))
    app = FastAPI()
    app.include_router(routes(service))
    app.add_api_route("/fed", lambda: HTMLResponse(HTML))
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, lifespan="off", log_config=None, ws="websockets-sansio")
    server = Http(config)
    answering = asyncio.create_task(server.serve([listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", service, node
    finally:
        await service.close()
        server.should_exit = True
        await answering
        await node.close()


async def shows(page: Page, layer: int) -> None:
    """Waits until the picture of this layer stands in the page: its size, and its brightness."""
    # Limited range to full (BT.601): what the page sees is lighter than what was encoded.
    light = (BRIGHTNESS[layer] + 4 - 16) * 255 / 219

    async def shown() -> bool:
        width, height, seen = await page.evaluate("picture()")
        return (width, height) == SIZES[layer] and abs(seen - light) < 20

    await until(shown, what=f"layer {layer} in the browser")


async def played_by_whep(origin: str) -> None:
    """A standard player gets the largest picture, and the tone."""
    player = new_peer()
    video, audio = (
        player.addTransceiver(kind, direction="recvonly") for kind in ("video", "audio")
    )
    await player.setLocalDescription(await player.createOffer())
    headers = {"Authorization": f"Bearer {LESSON}/observer-2"}
    async with httpx.AsyncClient(base_url=origin, timeout=WAIT_S) as http:
        answer = await http.post(
            "/whep?source=program",
            content=player.localDescription.sdp,
            headers={**headers, "Content-Type": "application/sdp"},
        )
        assert answer.status_code == 201, answer.text
        await player.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
        async with asyncio.timeout(WAIT_S):
            frames: list[Any] = [await video.receiver.track.recv()]
            while looks(frames) != (SIZES[1], 1):
                frames.append(await video.receiver.track.recv())
            sounds = [await audio.receiver.track.recv() for _ in range(60)][-40:]
        heard = [one for one in sounds if isinstance(one, av.AudioFrame)]
        assert len(heard) == len(sounds)
        samples = np.concatenate([one.to_ndarray().reshape(-1, 2)[:, 0] for one in heard])
        spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
        loudest = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE)[spectrum.argmax()]
        assert loudest == pytest.approx(TONE_HZ, abs=5)
        assert (await http.delete(answer.headers["Location"], headers=headers)).status_code == 200
    await close_peer(player)


async def test_a_fed_program_is_seen_and_heard_in_a_browser_and_by_whep(tmp_path: Path) -> None:
    async with (
        serving() as (origin, service, node),
        running_browser() as (browser, _),
    ):
        await service.open(LESSON)
        feeds = await open_feeds(node, tmp_path)
        for info in feeds.values():
            await service.add_stream(LESSON, info.producer)
        async with feeding(tmp_path, feeds):
            page = await browser.new_page()
            await page.goto(f"{origin}/fed")
            await page.wait_for_function("socket.readyState === 1")
            await page.evaluate("t => join(t)", f"{LESSON}/room-1")
            await page.wait_for_function("state.streams.length === 2")
            await page.evaluate("want(320, 180)")
            await shows(page, 0)
            await page.evaluate("want(1280, 720)")
            await shows(page, 1)

            async def heard() -> bool:
                return bool(abs(await page.evaluate("loudest()") - TONE_HZ) < 10)

            await until(heard, what="the tone in the browser")
            await played_by_whep(origin)
            for info in feeds.values():
                await service.remove_stream(LESSON, info.producer.producer_id)
            await page.wait_for_function("state.streams.length === 0")
            assert node.lesson_stats(LESSON)["producers"] == []
        await page.close()
