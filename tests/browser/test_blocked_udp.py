"""A school whose firewall lets no UDP through: its room is in the lesson all the same.

Once the firewall lets the room's TCP connections to the media port pass, once it lets through
nothing but pages and a TURN server. Nobody sets anything in the room: its page tries what it is
told and takes what works.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Playwright

from tests.browser.county import ADMINISTRATOR, LEAD_ROOM, ROOMS, County, client, post
from tests.browser.room_network import RoomNetwork, can_block, room_network
from tests.browser.screens import CHROMIUM, Screen, open_seat
from tests.browser.server_process import ServerProcess
from tests.browser.turn_process import RELAY_PORTS, has_turn_server, turn_server

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        not can_block(),
        reason="a firewall needs root, iproute2 and nftables (scripts/need-servers.sh)",
    ),
]

LEAD, ROOM = 1, 2  # identities
CUT_S = 8


@dataclass
class Lesson:
    """A teacher and one room behind a firewall."""

    administrator: httpx.Client
    lesson_id: str
    teacher: Screen
    room: Screen
    lead_seat: str
    room_seat: str

    def both_see_and_hear(self) -> None:
        self.teacher.sees_moving(self.room_seat, ROOM)
        self.room.sees_moving(self.lead_seat, LEAD)
        self.teacher.hears_only(self.room_seat, ROOM)
        self.room.hears_only(self.lead_seat, LEAD)

    def addresses(self) -> dict[str, set[str]]:
        """Seat → the addresses from which its connections come now."""
        answer = self.administrator.get(f"/api/lessons/{self.lesson_id}/stats")
        assert answer.is_success, answer.text
        stats = answer.json()
        return {
            seat["seat_id"]: {line["address"] for line in lines_of(seat)} for seat in stats["seats"]
        }


def lines_of(seat: dict[str, object]) -> list[dict[str, str]]:
    devices = seat["devices"]
    assert isinstance(devices, list)
    return [line for device in devices for line in (device["up"], device["down"]) if line]


def begin(
    stack: ExitStack,
    playwright: Playwright,
    folder: Path,
    line: RoomNetwork,
    server: ServerProcess,
    *,
    host: str = "",
) -> Lesson:
    """The room opens its address at `host`, the teacher starts the lesson."""
    county = County.founded(server.origin, server.setup_key, profile="old-pc")
    stack.callback(county.teacher.close)
    lesson_id = county.lesson_now(mode="blended")

    program = line.wrap(str(CHROMIUM), folder)
    room = open_seat(stack, playwright, folder, ROOMS[0], ROOM, program=program)
    room.page.goto(f"https://{host or line.host}:{server.port}/room#{county.credentials[ROOMS[0]]}")
    teacher = open_seat(stack, playwright, folder, "Li Min", LEAD)
    county.teach(teacher, lesson_id)
    seats = county.seats(lesson_id)
    administrator = client(server.origin)
    stack.callback(administrator.close)
    post(administrator, "/api/session", **ADMINISTRATOR)
    return Lesson(administrator, lesson_id, teacher, room, seats[LEAD_ROOM], seats[ROOMS[0]])


def start_server(
    stack: ExitStack, folder: Path, line: RoomNetwork, **settings: str
) -> ServerProcess:
    server = ServerProcess(folder / "data", advertised=("127.0.0.1", line.host), settings=settings)
    server.data_folder.mkdir()
    stack.callback(server.stop)
    server.start()
    return server


def test_a_room_comes_by_tcp_and_back_after_a_cut(tmp_path: Path, playwright: Playwright) -> None:
    with ExitStack() as stack:
        line = stack.enter_context(room_network(3))
        line.block()
        server = start_server(stack, tmp_path, line)
        lesson = begin(stack, playwright, tmp_path, line, server)
        lesson.both_see_and_hear()
        addresses = lesson.addresses()
        assert {address.split(" ")[0] for address in addresses[lesson.room_seat]} == {line.room}
        assert {address[-4:] for address in addresses[lesson.room_seat]} == {" tcp"}
        assert not any(address.endswith("tcp") for address in addresses[lesson.lead_seat])

        line.cut()
        lesson.teacher.page.wait_for_timeout(CUT_S * 1000)
        line.join()
        lesson.both_see_and_hear()
        assert server.stop() == 0


@pytest.mark.parametrize("udp", [True, False], ids=["udp", "tcp"])
def test_a_room_with_ipv6_alone(tmp_path: Path, playwright: Playwright, *, udp: bool) -> None:
    with ExitStack() as stack:
        line = stack.enter_context(room_network(5))
        line.leave_ipv6_alone()
        if not udp:
            line.block()
        server = start_server(
            stack,
            tmp_path,
            line,
            TONGKE_HOST="",
            TONGKE_ADVERTISED=f"127.0.0.1,{line.host_ipv6}",
            TONGKE_TLS_NAMES=f"127.0.0.1,{line.host_ipv6}",
        )
        lesson = begin(stack, playwright, tmp_path, line, server, host=f"[{line.host_ipv6}]")
        lesson.both_see_and_hear()
        addresses = lesson.addresses()
        assert {address.split(" ")[0] for address in addresses[lesson.room_seat]} == {
            line.room_ipv6
        }
        assert {address.endswith(" tcp") for address in addresses[lesson.room_seat]} == {not udp}


@pytest.mark.skipif(not has_turn_server(), reason="needs Debian's coturn (scripts/need-servers.sh)")
def test_a_room_that_reaches_no_media_port_comes_by_a_relay(
    tmp_path: Path, playwright: Playwright
) -> None:
    with ExitStack() as stack:
        line = stack.enter_context(room_network(4))
        turn = stack.enter_context(turn_server(line.host, tmp_path / "turn"))
        server = start_server(stack, tmp_path, line, **turn.settings)
        line.block(tcp_ports=(server.media_port,))
        lesson = begin(stack, playwright, tmp_path, line, server)
        lesson.both_see_and_hear()
        addresses = lesson.addresses()[lesson.room_seat]
        assert {address.split(" ")[0] for address in addresses} == {line.host}  # the relay's
        assert all(int(address.split(" ")[1]) in RELAY_PORTS for address in addresses)
        assert server.stop() == 0
