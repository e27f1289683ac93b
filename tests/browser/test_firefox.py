"""A room with Firefox, which here has no H.264, in a lesson with Chromium.

The others send H.264 until it comes; then all go to VP8, and everybody sees everybody. Its devices
are chosen while the lesson goes on; what they send is read from the teacher's page.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Playwright, expect

from tests.browser.county import LEAD_ROOM, ROOMS, County
from tests.browser.firefox import ARROW_DOWN, ARROW_UP, Firefox, firefox, has_firefox
from tests.browser.room_network import can_make_networks, room_network
from tests.browser.screens import TELLS_NOTHING, Screen, open_seat
from tests.browser.server_process import ServerProcess

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        not (has_firefox() and can_make_networks()),
        reason="needs Debian's firefox-esr, iproute2 and root (scripts/need-browsers.sh)",
    ),
]

LEAD, CHROMIUM_ROOM = 1, 2  # identities
FRAMES_ARE_COMING = 20
CODECS = """async () => {
  const stats = [...(await tongkeSession.peers.publish.getStats()).values()];
  const codecs = new Map(stats.filter((one) => one.type === "codec").map((one) => [one.id, one]));
  const sent = stats.filter((one) => one.type === "outbound-rtp" && one.kind === "video");
  const live = sent.filter((one) => one.packetsSent > 0);
  return [...new Set(live.map((one) => codecs.get(one.codecId)?.mimeType))];
}"""
# Firefox's own fake camera has no identity in its picture: that it moves is what is seen.
FRAMES = """seat => {
  const tiles = PageProbe.all(`tk-tile[data-seat="${seat}"]`);
  const videos = tiles.map((tile) => tile.shadowRoot.querySelector("video"));
  return Math.max(0, ...videos.map((one) => one.getVideoPlaybackQuality().totalVideoFrames));
}"""
# Without a sound card Firefox plays nothing: that sound is decoded, and loud, is what is heard.
HEARS = """async () => {
  const stats = [...(await tongkeSession.peers.subscribe.getStats()).values()];
  const sounds = stats.filter((one) => one.type === "inbound-rtp" && one.kind === "audio");
  return sounds.length === 2 && sounds.every((one) => one.totalAudioEnergy > 0);
}"""
LAYERS = """async () => {
  const stats = [...(await tongkeSession.peers.publish.getStats()).values()];
  return stats.filter((one) => one.type === "outbound-rtp" && one.framesEncoded > 0).length >= 2;
}"""


def test_a_room_with_firefox(tmp_path: Path, playwright: Playwright) -> None:
    with ExitStack() as stack:
        # Firefox has no candidates on the loopback address: it reaches the server on the cable's.
        line = stack.enter_context(room_network(6))
        server = ServerProcess(tmp_path / "data", advertised=("127.0.0.1", line.host))
        server.data_folder.mkdir()
        stack.callback(server.stop)
        server.start()
        county = County.founded(server.origin, server.setup_key, profile="standard")
        stack.callback(county.teacher.close)
        lesson_id = county.lesson_now(mode="blended")
        seats = county.seats(lesson_id)
        lead, with_firefox, other = seats[LEAD_ROOM], seats[ROOMS[0]], seats[ROOMS[1]]

        teacher = open_seat(stack, playwright, tmp_path, "Li Min", LEAD)
        room = open_seat(stack, playwright, tmp_path, ROOMS[1], CHROMIUM_ROOM)
        room.page.goto(f"{server.origin}/room#{county.credentials[ROOMS[1]]}")
        county.teach(teacher, lesson_id)
        room.sees_moving(lead, LEAD)
        teacher.sees_moving(other, CHROMIUM_ROOM)
        assert teacher.page.evaluate(CODECS) == ["video/H264"]

        browser = stack.enter_context(firefox(tmp_path))
        browser.goto(f"https://{line.host}:{server.port}/room#{county.credentials[ROOMS[0]]}")

        def everybody_sees_everybody() -> None:
            browser.sees_moving(lead, LEAD)
            browser.sees_moving(other, CHROMIUM_ROOM)
            room.sees_moving(lead, LEAD)
            teacher.sees_moving(other, CHROMIUM_ROOM)
            for screen in (teacher, room):
                goes_on(screen, with_firefox)
            browser.wait(HEARS)

        everybody_sees_everybody()
        assert teacher.page.evaluate(CODECS) == ["video/VP8"]
        browser.wait(LAYERS)  # simulcast
        browser.evaluate(
            "() => window.dispatchEvent(new KeyboardEvent('keydown', { key: ' ' })) && null"
        )
        expect(teacher.page.get_by_test_id(f"hand-{with_firefox}")).to_be_visible()

        server.kill()
        server.start()
        everybody_sees_everybody()


def goes_on(screen: Screen, seat: str) -> None:
    """Waits until so many more pictures of a seat were shown; a new stream counts from 0."""
    before = screen.page.evaluate(FRAMES, seat)
    screen.wait(
        f"([seat, before, more]) => {{ const now = ({FRAMES})(seat);"
        " return now > (now < before ? 0 : before) + more; }",
        [seat, before, FRAMES_ARE_COMING],
    )


MOST_PRESSES = 20
FURTHER = 9  # the identity of one more camera, as Firefox has one
FURTHER_DEVICES = (Path(__file__).parent / "further_devices.js").read_text()
FIRST = 'const [one] = PageProbe.all(`[data-testid="${hook}"]`);'
IS_THERE = f"hook => {{ {FIRST} return one !== undefined; }}"
FOCUS = f"hook => {{ {FIRST} one.focus(); }}"
CLICK = f"hook => {{ {FIRST} one.click(); }}"
OFFERS = f"""(hook, device) => {{
  {FIRST}
  return [...one?.options ?? []].some((option) => option.textContent.trim() === device);
}}"""
# How many places below the chosen one a device stands.
BELOW = f"""(hook, device) => {{
  {FIRST}
  const names = [...one.options].map((option) => option.textContent.trim());
  return names.indexOf(device) - one.selectedIndex;
}}"""
PLAYED_AT = "() => [...new Set(PageProbe.all('audio').map((one) => one.sinkId))].join()"
LEVEL = """async () => {
  const stats = [...(await tongkeSession.peers.subscribe.getStats()).values()];
  const sounds = stats.filter((one) => one.type === "inbound-rtp" && one.kind === "audio");
  return Math.max(...sounds.map((one) => one.audioLevel ?? 0));
}"""
IS_HEARD = f"async () => await ({LEVEL})() > 0.01"
IS_SILENT = f"async () => await ({LEVEL})() < 0.001"


def press(browser: Firefox, hook: str) -> None:
    browser.wait(IS_THERE, hook)
    browser.evaluate(CLICK, hook)


def choose(browser: Firefox, hook: str, device: str) -> None:
    """With the arrow keys, as far as it takes: the list may grow meanwhile."""
    browser.wait(OFFERS, hook, device)
    browser.evaluate(FOCUS, hook)
    for _ in range(MOST_PRESSES):
        below = browser.evaluate(BELOW, hook, device)
        if below == 0:
            return
        browser.press(ARROW_DOWN if below > 0 else ARROW_UP)
    raise AssertionError(f"{hook} does not come to {device}")


def test_its_devices_are_chosen_during_a_lesson(tmp_path: Path, playwright: Playwright) -> None:
    with ExitStack() as stack:
        line = stack.enter_context(room_network(7))
        server = ServerProcess(tmp_path / "data", advertised=("127.0.0.1", line.host))
        server.data_folder.mkdir()
        stack.callback(server.stop)
        server.start()
        county = County.founded(server.origin, server.setup_key, profile="old-pc")
        stack.callback(county.teacher.close)
        lesson = county.lesson_now(mode="blended")
        seat = county.seats(lesson)[ROOMS[0]]
        teacher = open_seat(stack, playwright, tmp_path, "Li Min", LEAD)
        county.teach(teacher, lesson)

        # Its microphone was blocked, as browsers keep it: it is seen all the same.
        origin = f"https://{line.host}:{server.port}"
        browser = stack.enter_context(firefox(tmp_path))
        browser.runs_first(f"globalThis.FURTHER_IDENTITY = {FURTHER}; {FURTHER_DEVICES}")
        browser.runs_first(TELLS_NOTHING)
        browser.permit(origin, "camera", allowed=True)
        browser.permit(origin, "microphone", allowed=False)
        browser.goto(f"{origin}/room#{county.credentials[ROOMS[0]]}")
        goes_on(teacher, seat)

        # Allowed at the sign beside the address, and tried again.
        press(browser, "settings")
        browser.wait(IS_THERE, "retry-room")
        browser.permit(origin, "microphone", allowed=True)
        press(browser, "retry-room")
        teacher.wait(IS_HEARD)

        choose(browser, "device-room", "Further audioinput")
        teacher.wait(IS_SILENT)
        choose(browser, "device-room", "Default Audio Device")
        teacher.wait(IS_HEARD)
        choose(browser, "device-students", "Further videoinput")
        teacher.sees_moving(seat, FURTHER)
        choose(browser, "device-speaker", "Further audiooutput")
        browser.wait(f"() => ({PLAYED_AT})() === 'further'")
