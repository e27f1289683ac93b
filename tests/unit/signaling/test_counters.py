"""What signaling counts of itself: every socket, message, refusal and closing, once."""

from __future__ import annotations

from signaling.counters import SignalingCounters
from signaling.protocol.messages import CloseCode
from tests.sim.virtual_time import virtually
from tests.unit.signaling.asgi_socket import AsgiSocket
from tests.unit.signaling.sample_lesson import LESSON
from tests.unit.signaling.service import World, join, settle
from tests.unit.signaling.test_websocket import app_of, join_of


def test_a_visit_is_counted() -> None:
    async def main() -> None:
        async with World().serving() as service:
            counters = service.counters
            async with AsgiSocket(app_of(service)) as socket:
                socket.send(join_of("room-1"))
                await socket.until("welcome")
                assert (counters.sockets_open, counters.sockets_opened) == (1, 1)
                socket.send({"type": "ping"})
                socket.send({"type": "dance"})  # no type of ours: not counted as one
                await socket.until("refused")
                socket.send({"type": "give_floor", "seat_id": "room-1"})  # not the lead's seat
                await socket.until("refused")
                socket.send({"type": "leave"})
                assert await socket.closed() == CloseCode.LEFT
            assert (counters.sockets_open, counters.sockets_opened) == (0, 1)
            assert counters.messages_received == {
                "join": 1, "ping": 1, "give_floor": 1, "leave": 1
            }  # fmt: skip
            assert counters.refusals == {"unknown-type": 1, "lead-only": 1}
            assert counters.closings == {"left": 1}
            assert counters.messages_sent == 4  # welcome, pong, refused, refused

    virtually(main)


def test_who_goes_without_a_word_is_told_apart() -> None:
    async def main() -> None:
        async with World().serving() as service:
            async with AsgiSocket(app_of(service)) as socket:
                socket.send(join_of("lead"))
                await socket.until("welcome")
                socket.vanish()
            async with AsgiSocket(app_of(service)) as socket:
                await socket.closed()  # it never joins
            async with AsgiSocket(app_of(service)) as socket:
                socket.send({"type": "join", "token": "forged"})
                await socket.closed()
            assert service.counters.closings == {
                "client-left": 1, "join-timed-out": 1, "refused": 1
            }  # fmt: skip
            assert service.counters.refusals == {"token-invalid": 1}

    virtually(main)


def test_what_a_client_does_not_read_is_counted_once() -> None:
    async def main() -> None:
        async with World().serving() as service:
            end, _welcome = await join(service, "room-1")
            end.connection.outbox.close(CloseCode.TOO_SLOW)
            end.connection.outbox.put("late")
            await end.lost()
            await end.lost()
            assert service.counters.messages_dropped == 1

    virtually(main)


def test_devices_are_found_at_their_seats() -> None:
    async def main() -> None:
        async with World().serving() as service:
            first, welcome = await join(service, "room-1")
            await join(service, "room-1")
            await first.lost()
            await settle()
            places = service.devices(LESSON)
            assert [(place.seat_id, place.connected) for place in places] == [
                ("room-1", False),
                ("room-1", True),
            ]
            assert places[0].device_id == welcome.device_id
            assert service.devices("no-such-lesson") == []

    virtually(main)


def test_nothing_is_counted_at_first() -> None:
    assert SignalingCounters().closings == {}
