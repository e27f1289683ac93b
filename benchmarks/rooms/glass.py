"""From glass to glass: a network camera's picture on a page, by the time that stands in it.

Camera (GStreamer's RTSP server around x264) → `tongke room` → server → a real Chromium. A picture
bears the moment at which it was taken, counted in pictures by the wall clock; the page reads it
from its own pixels, and takes the moment at which the browser says it will be on the screen.
Drawing, encoding, network, decoding and showing are all in it.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.agent_room import CAMERAS, PASSWORD, agent_room
from tests.browser.county import ROOMS
from tests.browser.screens import open_seat
from tests.network_camera import CameraModel

FRAMES_PER_S = 25
MODEL = CameraModel(
    width=1280, height=720, frame_rate=FRAMES_PER_S, gop=50, kbps=2_000, password=PASSWORD
)
MOST_P50_MS, MOST_P95_MS = 200.0, 300.0
_TEACHER = 1
_SMALL = (320, 180)
_SETTLE_MS = 5_000
_AGES = """async ([seat, source, identity, rate, seconds]) => {
  const tile = PageProbe.all(`tk-tile[data-seat="${seat}"]`)
    .filter((one) => one.dataset.source === source)
    .sort((a, b) => b.clientWidth - a.clientWidth)[0];
  const video = tile.shadowRoot.querySelector("video");
  const ages = [];
  const until = Date.now() + 1000 * seconds;
  while (Date.now() < until) {
    const [now, { expectedDisplayTime }] = await new Promise((resolve) =>
      video.requestVideoFrameCallback((...told) => resolve(told)));
    const shown = Date.now() + Math.max(0, expectedDisplayTime - performance.now());
    const mark = TongkeIdentity.readVideo(video);
    if (mark?.identity !== identity) continue;
    const late = (shown * rate / 1000 - mark.counter) % 65536;
    ages.push(1000 * (late < 0 ? late + 65536 : late) / rate);
  }
  return ages;
}"""


def glass_to_glass(seconds: float) -> list[float]:
    """The ages of the pictures when they are on the screen, in ms, sorted."""
    with ExitStack() as stack:
        place = stack.enter_context(tempfile.TemporaryDirectory(prefix="tongke-benchmark-"))
        folder = Path(place)
        playwright = stack.enter_context(sync_playwright())
        room = stack.enter_context(agent_room(folder, MODEL, cameras=("students",)))
        lesson_id = room.county.lesson_now(mode="blended")
        teacher = open_seat(stack, playwright, folder, "Li Min", _TEACHER, size=_SMALL)
        room.county.teach(teacher, lesson_id)
        seat = room.county.seats(lesson_id)[ROOMS[0]]
        identity = CAMERAS["students"]
        teacher.sees_moving(seat, identity)
        teacher.page.wait_for_timeout(_SETTLE_MS)
        asked = [seat, "students", identity, FRAMES_PER_S, seconds]
        return sorted(float(one) for one in teacher.page.evaluate(_AGES, asked))
