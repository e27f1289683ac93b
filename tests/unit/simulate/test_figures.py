"""What a seat's media came to, and when a seat counts as failed."""

from __future__ import annotations

import asyncio
import json
import re
from types import SimpleNamespace
from typing import Any

import pytest

from server.simulate.figures import Figures, SeatFigures
from server.simulate.seat import SimulatedSeat
from server.simulate.sending import SimulatedSending, Studio
from signaling.client.peer import Peer
from signaling.protocol.messages import Publish
from tests.unit.simulate.test_seat import connected, fake_server, new_seat, running
from tests.unit.simulate.test_simulate_command import run as simulate_command


class Connection(Peer):
    """A connection that says of itself what it is told to say."""

    def __init__(self, **reports: Any) -> None:
        self.connection: Any = SimpleNamespace(connectionState="connected", getStats=self._stats)
        self.reports = reports

    async def _stats(self) -> dict[str, Any]:
        kinds = {name.replace("_", "-"): report for name, report in self.reports.items()}
        return {kind: SimpleNamespace(type=kind, **report) for kind, report in kinds.items()}


class Camera(Connection, SimulatedSending):
    pictures_sent = 30


def camera(packets: int, lost: int) -> Camera:
    return Camera(
        outbound_rtp={"packetsSent": packets, "bytesSent": packets * 1000},
        remote_inbound_rtp={"packetsLost": lost, "roundTripTime": 0.04},
        transport={"bytesReceived": 77},
    )


async def test_a_lost_connection_still_counts_and_the_next_one_adds_to_it() -> None:
    figures = SeatFigures()
    first = camera(100, 10)
    figures.opened(first)
    await figures.read(seconds=1, received_pictures=0)
    first.connection.connectionState = "closed"
    figures.opened(camera(50, 5))
    for _ in range(3):  # reading often changes nothing
        total = await figures.read(seconds=10, received_pictures=7)
    assert (total.sent_packets, total.sent_lost, total.sent_pictures) == (150, 15, 60)
    assert (total.sent_loss, total.sent_bps, total.delay_ms) == (0.1, 120_000, 40)
    assert (total.received_bytes, total.received_pictures) == (0, 7)


async def test_received_loss_is_of_what_was_sent_to_us() -> None:
    figures = SeatFigures()
    figures.opened(
        Connection(
            inbound_rtp={"packetsReceived": 90, "packetsLost": 10},
            transport={"bytesReceived": 125_000},
        )
    )
    total = await figures.read(seconds=10, received_pictures=0)
    assert (total.received_loss, total.received_bps) == (0.1, 100_000)
    assert not figures.has_something_to_send


def test_nothing_measured_is_no_division() -> None:
    told = json.loads(json.dumps(Figures().as_json()))
    assert (told["sent_loss"], told["sent_bps"], told["delay_ms"]) == (0, 0, None)


def said(seat: SimulatedSeat) -> list[str]:
    """Its faults in English; each is there in Chinese too."""
    faults = seat.faults()
    assert all(re.search("[\u4e00-\u9fff]", each.zh) for each in faults)
    return [each.en for each in faults]


async def test_a_seat_says_what_failed() -> None:
    async with fake_server() as server:
        seat = new_seat(server)
        assert said(seat) == ["never joined: it has no lesson"]
        async with running(seat):
            await server.until(lambda: server.count(Publish) == 1)
            await seat.measure()
            (silent,) = said(seat)
            assert silent.startswith("sent nothing: its media was not connected yet, or another")
            await server.until(lambda: server.peers and connected(server.peers[-1]))
            seat.figures.total.sent_packets = 1
            assert seat.faults() == []
            server.lines[-1].transport.abort()
            await server.until(lambda: len(server.peers) == 2 and connected(server.peers[-1]))
            (lost,) = [each for each in said(seat) if each.startswith("lost its line 1 times: ")]
            assert seat.device.lost_by is not None and lost.endswith(seat.device.lost_by.en)


async def test_a_seat_that_was_still_drawing_at_the_end_has_sent_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a busy machine a short load ended before anything was drawn, and all was well."""
    drawing = asyncio.Event()

    async def slow(_studio: Studio, _picture: object) -> None:
        drawing.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(Studio, "pictures", slow)
    async with fake_server() as server:
        seat = new_seat(server)
        async with running(seat):
            await server.until(drawing.is_set)
            await seat.measure()
            (silent,) = said(seat)
            assert silent.startswith("sent nothing: its pictures were not drawn")


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        # A server that is not there is a failure, however it is asked for.
        (("--token", "t", "--duration", "1"), 1, "never joined"),
        (("--lessons", "1", "--administrator", "a", "--password-file", "{file}"), 1, "not answer"),
        (("--lessons", "1"), 2, "--administrator"),
        (("--lessons", "1", "--administrator", "a", "--token", "t"), 2, "its own seats"),
        (("--lessons", "200", "--administrator", "a"), 2, "800 seats"),
        (("--token", "t", "--seats", "2"), 2, "half a load"),
        (("--credentials-file", "{file}.not"), 2, "password.not cannot be read: No such file"),
    ],
)
def test_what_cannot_be_is_told_and_fails(
    arguments: tuple[str, ...], code: int, told: str, tmp_path: Any
) -> None:
    file = tmp_path / "password"
    file.write_text("a password")
    filled = [each.replace("{file}", str(file)) for each in arguments]
    found, output = simulate_command("--server", "http://127.0.0.1:9", *filled)
    assert (found, "Traceback" in output) == (code, False)
    assert told.replace(" ", "") in "".join(output.split())  # lines are as long as the screen
    assert "removed" not in output  # nothing was made
