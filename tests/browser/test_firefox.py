"""A room with Firefox, which here has no H.264, in a lesson with Chromium.

The others send H.264 until it comes; then all go to VP8, and everybody sees everybody.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Playwright, expect

from tests.browser.county import LEAD_ROOM, ROOMS, County
from tests.browser.firefox import firefox, has_firefox
from tests.browser.room_network import can_make_networks, room_network
from tests.browser.screens import Screen, open_seat
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
