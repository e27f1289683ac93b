"""A lesson whose rural room is the agent with two RTSP cameras and a microphone, beside the page
that it opens.

The teacher sees the cameras and hears the agent's microphone; the page's is off meanwhile, and on
while the agent's is unplugged. What was recorded plays with every picture and both voices.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Playwright, expect

from tests.agent_room import voice
from tests.browser.agent_room import CAMERAS, AgentRoom, agent_room
from tests.browser.county import ROOMS, TEACHER, post
from tests.browser.fake_devices import seat_device
from tests.browser.firefox import firefox, has_firefox
from tests.browser.screens import LISTEN_S, WAIT_S, Screen, open_seat
from tests.browser.test_lesson import finished_recording
from tests.lesson_watcher import hears, shows, watching
from tests.network_camera import CameraModel, need_cameras
from tests.sound_devices import SoundDevices

pytestmark = [pytest.mark.browser, pytest.mark.alone, pytest.mark.timeout(600)]

LEAD, CEILING, PAGE = 1, 3, 4  # whose voices: the teacher's, the agent's microphone, the page's
SIZE = (480, 270)
# The page's microphone, kept so that it can tell what has become of it: "live", "ended", or "none".
_MICROPHONE = """() => {
  window.microphone = tongkeSession.devices.track("room") ?? window.microphone;
  return window.microphone?.readyState ?? "none"; }"""
_IS_OFF = f"() => ({_MICROPHONE})() === 'ended'"
_SHOWN = """() => PageProbe.all("video").filter((one) => one.currentTime > 2)
  .map((one) => TongkeIdentity.readVideo(one)?.identity ?? -1)"""

_ALL_SHOWN = f"""(wanted) => {{ const shown = ({_SHOWN})();
  return wanted.every((one) => shown.includes(one)); }}"""
# What the player plays now, of all seats together.
_HEARS = """async ([wanted, seconds]) => {
  const playing = PageProbe.all("video").filter((one) => !one.paused);
  const heard = await Promise.all(
    playing.map((one) => TongkeIdentity.listen(one.captureStream(), seconds)));
  return JSON.stringify([...new Set(heard.flat())].sort()) === JSON.stringify(wanted); }"""
# Without a sound card Firefox plays nothing: what it makes of the files is what is heard, for a
# second at least: where a sound breaks off half a second of it may look like any tone.
_DECODED = """async (addresses) => {
  const heard = new Map();
  for (const address of addresses) {
    const file = await (await fetch(address)).arrayBuffer();
    const sound = await new OfflineAudioContext(1, 1, 48000).decodeAudioData(file);
    const samples = sound.getChannelData(0);
    for (let at = 0; at + 24000 <= samples.length; at += 24000) {
      const tones = TongkeIdentity.heardTones(samples.subarray(at, at + 24000), 48000);
      for (const tone of tones) heard.set(tone, (heard.get(tone) ?? 0) + 1);
    }
  }
  return [...heard.keys()].filter((tone) => heard.get(tone) > 2).sort(); }"""
_SIGN_IN = """async (who) => (await fetch("/api/session", {method: "POST",
  headers: {"Content-Type": "application/json"}, body: JSON.stringify(who)})).status"""


def test_two_cameras_and_a_microphone_beside_a_page(tmp_path: Path, playwright: Playwright) -> None:
    need_cameras()
    model = CameraModel(password="s3cret-geheim", gop=30, profile="main")
    microphone = seat_device(PAGE, "Page", SIZE)
    with ExitStack() as stack:
        devices = SoundDevices(tmp_path)
        stack.callback(devices.close)
        devices.plug_in(voice(CEILING))
        room = stack.enter_context(
            agent_room(tmp_path, model, microphone=microphone, devices=devices)
        )
        county = room.county
        page = room.kiosk_page(playwright)
        expect(page.get_by_text("Shanhe").first).to_be_visible()
        lesson_id = county.lesson_now(mode="blended", record=True)
        teacher = open_seat(stack, playwright, tmp_path, "Li Min", LEAD, size=SIZE)
        county.teach(teacher, lesson_id)
        seat = county.seats(lesson_id)[ROOMS[0]]
        room.sends()
        teacher.sees_moving(seat, CAMERAS["students"])
        teacher.hears_only(seat, CEILING)
        assert page.evaluate(_MICROPHONE) != "live"
        with ThreadPoolExecutor(1) as beside:  # the browsers' driver has this thread's loop
            beside.submit(asyncio.run, all_comes_from(room, lesson_id, seat)).result()
        told = room.status()
        assert (told["phase"], told["page"], told["page_ended"]) == ("in_lesson", "open", 0)
        heard_at = sound_moves_to_the_page_and_back(teacher, page, seat, devices)

        post(county.teacher, f"/api/lessons/{lesson_id}/end")
        recording = finished_recording(teacher, county, lesson_id)
        told = county.teacher.get(f"/api/recordings/{recording}").json()
        moments = {who: at - told["started_at"] for who, at in heard_at.items()}
        the_recording_plays(teacher, f"{county.origin}/library/{recording}", moments)
        if has_firefox():
            it_plays_in_firefox(tmp_path, county.origin, told)


async def all_comes_from(room: AgentRoom, lesson_id: str, seat_id: str) -> None:
    """Both cameras and the microphone, and no second picture or sound, from the one seat."""
    async with watching(room.county, lesson_id) as observer:
        streams = [await shows(observer, identity) for identity in CAMERAS.values()]
        streams.append(await hears(observer, CEILING))
        assert {one.source for one in streams} == {*CAMERAS, "room"}
        assert {one.seat_id for one in streams} == {seat_id}
        from_seat = [one.source for one in observer.seen.values() if one.seat_id == seat_id]
        assert sorted(from_seat) == sorted([*CAMERAS, "room"])


def sound_moves_to_the_page_and_back(
    teacher: Screen, page: Page, seat: str, devices: SoundDevices
) -> dict[int, float]:
    """The agent's microphone is unplugged and plugged in again. Tells when (Unix time) each was
    the only one that was heard.
    """
    heard_at = {}
    devices.pull_out()
    teacher.hears_only(seat, PAGE)
    heard_at[PAGE] = time.time() - LISTEN_S
    assert page.evaluate(_MICROPHONE) == "live"
    devices.plug_in(voice(CEILING))
    teacher.hears_only(seat, CEILING)
    heard_at[CEILING] = time.time() - LISTEN_S
    page.wait_for_function(_IS_OFF, timeout=WAIT_S * 1000)  # and not only unheard
    return heard_at


def the_recording_plays(teacher: Screen, address: str, moments: dict[int, float]) -> None:
    """Every picture of the room is in it, each with its own identity, and who was heard when."""
    for who, at in moments.items():
        teacher.page.goto(f"{address}?t={int(at)}")
        teacher.page.get_by_test_id("play").click()
        teacher.wait(_HEARS, [[LEAD, who], LISTEN_S])
    teacher.wait(_ALL_SHOWN, sorted(CAMERAS.values()))


def it_plays_in_firefox(folder: Path, origin: str, recording: dict[str, Any]) -> None:
    """Live it stays dark there (docs/browsers.md): cameras send H.264, Firefox has none here."""
    sounds = [part["file"] for part in recording["parts"] if part["has_audio"]]
    with firefox(folder / "firefox") as browser:
        browser.goto(f"{origin}/sign-in")
        signed_in = browser.evaluate(_SIGN_IN, TEACHER)
        assert signed_in < 300
        browser.goto(f"{origin}/library/{recording['id']}")
        browser.wait("() => PageProbe.all('[data-testid=play]').length > 0")
        browser.evaluate("() => void PageProbe.all('[data-testid=play]')[0].click()")
        browser.wait(_ALL_SHOWN, sorted(CAMERAS.values()))
        addresses = [f"/media/recordings/{recording['id']}/{name}" for name in sounds]
        assert browser.evaluate(_DECODED, addresses) == [LEAD, CEILING, PAGE]
