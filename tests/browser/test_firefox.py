"""A room with Firefox, which here has no H.264, in a lesson with Chromium.

The others send H.264 until it comes; then all go to VP8, and everybody sees everybody; the program,
which the server makes in H.264, it has in VP8. Its devices
are chosen while the lesson goes on; what they send is read from the teacher's page. What its room
is told of the floor is true, and a teacher in Firefox begins, chooses layouts, leaves and ends.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Playwright, expect

from tests.browser.county import LEAD_ROOM, ROOMS, TEACHER, County
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
# The program instead of the separate pictures: its picture stands there, and more are decoded. (Of
# what comes live Firefox counts no frames in the element.)
TAKES_PROGRAM = "taken => { tongkeSession.takeProgram(taken ? 'chosen' : null); }"
SHOWS_PROGRAM = """async () => {
  const video = PageProbe.all("tk-program")[0]?.shadowRoot.querySelector("video");
  if (!video?.videoHeight) return false;
  const stats = [...(await tongkeSession.peers.subscribe.getStats()).values()];
  const live = stats.filter((one) => one.type === "inbound-rtp" && one.kind === "video");
  const decoded = live.reduce((sum, one) => sum + one.framesDecoded, 0);
  window.decodedBefore ??= decoded;
  return decoded > window.decodedBefore + 30;
}"""
LAYERS = """async () => {
  const stats = [...(await tongkeSession.peers.publish.getStats()).values()];
  return stats.filter((one) => one.type === "outbound-rtp" && one.framesEncoded > 0).length >= 2;
}"""


def test_a_room_with_firefox(tmp_path: Path, playwright: Playwright) -> None:
    with ExitStack() as stack:
        # Firefox has no candidates on the loopback address: it reaches the server on the cable's.
        line = stack.enter_context(room_network(6))
        server = ServerProcess(
            tmp_path / "data",
            advertised=("127.0.0.1", line.host),
            settings={"TONGKE_PROGRAMS": "1"},
        )
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

        browser.evaluate(TAKES_PROGRAM, True)
        browser.wait(SHOWS_PROGRAM)
        browser.evaluate(TAKES_PROGRAM, False)

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
CAMERA = "() => window.tongkeSession?.devices.track('students')?.getSettings().deviceId"
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

        # What was chosen is kept: the page takes that camera again, and its picture comes.
        browser.goto(f"{origin}/room")
        browser.wait(f"() => ({CAMERA})() === 'further'")
        teacher.sees_moving(seat, FURTHER)
        browser.wait(f"() => ({PLAYED_AT})() === 'further'")

        a_room_is_told_one_thing(browser, teacher, seat)
        a_teacher_with_firefox(browser, teacher, county, lesson, origin)


SAYS = """words => {
  const [one] = PageProbe.all('[data-testid="caption"]');
  return one !== undefined && one.textContent.includes(words);
}"""


def a_room_is_told_one_thing(browser: Firefox, teacher: Screen, seat: str) -> None:
    """The floor, the floor of a room that the lead has muted, and the spotlight."""
    lead = teacher.page
    lead.get_by_test_id(f"give-floor-{seat}").click()
    browser.wait(SAYS, "You have the floor")
    lead.get_by_test_id(f"mute-{seat}").click()
    browser.wait(SAYS, "You have the floor, but the teacher has muted this room")
    lead.get_by_test_id(f"mute-{seat}").click()
    lead.get_by_test_id(f"take-floor-{seat}").click()
    lead.get_by_test_id(f"spotlight-{seat}").click()
    browser.wait(SAYS, "All rooms see you now")
    lead.get_by_test_id(f"spotlight-{seat}").click()


SIGN_IN = """who => fetch("/api/session", {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(who),
}).then((answer) => answer.ok)"""
ROOMS_KEYS = """() => PageProbe.all('[data-testid]')
  .filter((one) => /^(mute|give-floor|spotlight)-/.test(one.dataset.testid)).length"""
# Each seat's pictures on the stage, widest first: `[[seat, width], …]`.
STAGE = """() => PageProbe.all("tk-stage")
  .flatMap((stage) => [...stage.shadowRoot.querySelectorAll("tk-tile[data-seat]")])
  .map((tile) => [tile.dataset.seat, Math.round(tile.getBoundingClientRect().width)])
  .sort((a, b) => b[1] - a[1])"""
SHOWS_BOTH = f"""(lead, seat) => {{
  const seats = ({STAGE})().map(([one]) => one);
  return seats.length === 2 && seats.includes(lead) && seats.includes(seat);
}}"""
IS_AT = "path => location.pathname === path"


def a_teacher_with_firefox(
    browser: Firefox, screen: Screen, county: County, lesson: str, origin: str
) -> None:
    """The two change places: who taught with Chromium is a room now."""
    seats = county.seats(lesson)
    lead, seat = seats[LEAD_ROOM], seats[ROOMS[1]]
    screen.page.goto(f"{county.origin}/room#{county.credentials[ROOMS[1]]}")
    assert browser.evaluate(SIGN_IN, TEACHER)
    browser.goto(f"{origin}/teach/{lesson}")
    browser.wait(IS_THERE, "device-start")
    assert browser.evaluate(ROOMS_KEYS) == 0  # nothing of the rooms before it is entered
    press(browser, "device-start")
    goes_on(screen, lead)

    # Each picture once, the own one small; a wall shows both alike.
    browser.wait(SHOWS_BOTH, lead, seat)
    (first, large), (second, small) = browser.evaluate(STAGE)
    assert (first, second) == (seat, lead)
    assert small < large / 2
    press(browser, "layout-wall")
    screen.wait("() => PageProbe.all('tk-tile[data-seat]').length > 0")
    browser.wait(f"() => {{ const [a, b] = ({STAGE})(); return b[1] > a[1] * 0.4; }}")
    press(browser, "layout-speaker")
    browser.wait(f"() => {{ const [a, b] = ({STAGE})(); return b[1] < a[1] / 2; }}")

    press(browser, "leave")
    press(browser, "leave-a-while")
    browser.wait(IS_AT, "/")
    expect(screen.page.get_by_text("Li Min is away for a moment").first).to_be_visible()
    browser.goto(f"{origin}/teach/{lesson}")
    goes_on(screen, lead)
    press(browser, "end")
    press(browser, "end-confirm")
    expect(screen.page.get_by_text("The lesson is over")).to_be_visible()
