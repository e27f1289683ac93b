"""A school whose firewall lets no UDP through: its room is in the lesson all the same.

Once the firewall lets through nothing but pages and a TURN server, once the room's TCP connections
to the media port, with IPv4 and with IPv6 alone. Nobody sets anything in the room: its page tries
what it is told and takes what works.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from tests.browser.county import ADMINISTRATOR, LEAD_ROOM, ROOMS, County, client, post
from tests.browser.room_network import RoomNetwork, can_block, room_network
from tests.browser.screens import CHROMIUM, Screen, all_hear_only, open_seat
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


@dataclass(frozen=True)
class Lesson:
    """A teacher in a lesson on a server; rooms come to it."""

    server: ServerProcess
    county: County
    lesson_id: str
    teacher: Screen
    seats: dict[str, str]

    @classmethod
    def begun(
        cls, stack: ExitStack, playwright: Playwright, folder: Path, server: ServerProcess
    ) -> Lesson:
        """On a new server, which ends with the stack."""
        server.data_folder.mkdir()
        stack.callback(server.stop)
        server.start()
        county = County.founded(server.origin, server.setup_key, profile="old-pc")
        stack.callback(county.teacher.close)
        lesson_id = county.lesson_now(mode="blended")
        teacher = open_seat(stack, playwright, folder, "Li Min", LEAD)
        county.teach(teacher, lesson_id)
        return cls(server, county, lesson_id, teacher, county.seats(lesson_id))

    def addresses(self, name: str) -> list[str]:
        """The addresses from which a seat's connections come now."""
        with client(self.server.origin) as administrator:
            post(administrator, "/api/session", **ADMINISTRATOR)
            answer = administrator.get(f"/api/lessons/{self.lesson_id}/stats")
        assert answer.is_success, answer.text
        (seat,) = (one for one in answer.json()["seats"] if one["seat_id"] == self.seats[name])
        lines = [line for device in seat["devices"] for line in (device["up"], device["down"])]
        return [line["address"] for line in lines if line]


@dataclass(frozen=True)
class Room:
    """A room in the lesson, by its own line."""

    lesson: Lesson
    screen: Screen

    @classmethod
    def opened(
        cls,
        stack: ExitStack,
        playwright: Playwright,
        folder: Path,
        lesson: Lesson,
        name: str,
        line: RoomNetwork,
        host: str,
    ) -> Room:
        """It opens its address at `host`, once."""
        program = line.wrap(str(CHROMIUM), folder)
        screen = open_seat(stack, playwright, folder, name, ROOM, program=program)
        port, credential = lesson.server.port, lesson.county.credentials[name]
        screen.page.goto(f"https://{host}:{port}/room#{credential}")
        return cls(lesson, screen)

    def and_teacher_see_and_hear_each_other(self) -> None:
        lead, seat = self.lesson.seats[LEAD_ROOM], self.lesson.seats[self.screen.name]
        self.lesson.teacher.sees_moving(seat, ROOM)
        self.screen.sees_moving(lead, LEAD)
        all_hear_only([(self.lesson.teacher, {seat: ROOM}), (self.screen, {lead: LEAD})])

    def comes_from(self) -> tuple[set[str], set[str]]:
        """Its hosts and its protocols, as the server sees them."""
        addresses = [address.split(" ") for address in self.lesson.addresses(self.screen.name)]
        assert addresses
        return {host for host, *_ in addresses}, {words[-1] for words in addresses}


@pytest.mark.skipif(not has_turn_server(), reason="needs Debian's coturn (scripts/need-servers.sh)")
def test_a_room_that_reaches_no_media_port_comes_by_a_relay(
    tmp_path: Path, playwright: Playwright
) -> None:
    with ExitStack() as stack:
        line = stack.enter_context(room_network(4))
        turn = stack.enter_context(turn_server(line.host, tmp_path / "turn"))
        server = ServerProcess(
            tmp_path / "data", advertised=("127.0.0.1", line.host), settings=turn.settings
        )
        line.block(tcp_ports=(server.media_port,))
        lesson = Lesson.begun(stack, playwright, tmp_path, server)
        room = Room.opened(stack, playwright, tmp_path, lesson, ROOMS[0], line, line.host)
        room.and_teacher_see_and_hear_each_other()
        addresses = lesson.addresses(ROOMS[0])
        assert {address.split(" ")[0] for address in addresses} == {line.host}  # the relay's
        assert all(int(address.split(" ")[1]) in RELAY_PORTS for address in addresses)
        assert server.stop() == 0


@dataclass(frozen=True)
class Schools:
    """A lesson to which a school with IPv4 and one with IPv6 alone have a line."""

    lesson: Lesson
    line: RoomNetwork
    ipv6_line: RoomNetwork


@pytest.fixture(scope="module")
def schools(tmp_path_factory: pytest.TempPathFactory, playwright: Playwright) -> Iterator[Schools]:
    folder = tmp_path_factory.mktemp("schools")
    with ExitStack() as stack:
        line, ipv6_line = (stack.enter_context(room_network(number)) for number in (3, 5))
        line.block()
        ipv6_line.leave_ipv6_alone()
        server = ServerProcess(
            folder / "data",
            advertised=("127.0.0.1", line.host, ipv6_line.host_ipv6),
            settings={"TONGKE_HOST": ""},
        )
        yield Schools(Lesson.begun(stack, playwright, folder, server), line, ipv6_line)
        assert server.stop() == 0


def test_a_room_comes_by_tcp_and_back_after_a_cut(
    tmp_path: Path, playwright: Playwright, schools: Schools
) -> None:
    lesson, line = schools.lesson, schools.line
    with ExitStack() as stack:
        room = Room.opened(stack, playwright, tmp_path, lesson, ROOMS[0], line, line.host)
        room.and_teacher_see_and_hear_each_other()
        assert room.comes_from() == ({line.room}, {"tcp"})
        assert not any(address.endswith("tcp") for address in lesson.addresses(LEAD_ROOM))

        line.cut()
        lesson.teacher.page.wait_for_timeout(CUT_S * 1000)
        line.join()
        room.and_teacher_see_and_hear_each_other()


def test_a_room_with_ipv6_alone(tmp_path: Path, playwright: Playwright, schools: Schools) -> None:
    lesson, line = schools.lesson, schools.ipv6_line
    with ExitStack() as stack:
        host = f"[{line.host_ipv6}]"
        room = Room.opened(stack, playwright, tmp_path, lesson, ROOMS[1], line, host)
        room.and_teacher_see_and_hear_each_other()
        hosts, protocols = room.comes_from()
        assert hosts == {line.room_ipv6}
        assert "tcp" not in protocols

        line.block()
        room.screen.page.reload()
        room.and_teacher_see_and_hear_each_other()
        assert room.comes_from() == ({line.room_ipv6}, {"tcp"})
