"""Packets of the agent leave protected, in order, each as itself, in few calls."""

from __future__ import annotations

import asyncio
import errno
import socket
import sys
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest
from pylibsrtp import Policy, Session

from hardware_profiles.room_agent.departure import MOST_PACKETS, Departure
from mixer.rtp.packet import RtpPacket
from mixer.rtp.rtcp import Goodbye, serialize_compound

PROFILE = Policy.SRTP_PROFILE_AEAD_AES_128_GCM
KEY = bytes(range(28))
LINUX = sys.platform == "linux"


def session(kind: int) -> Session:
    return Session(Policy(key=KEY, ssrc_type=kind, srtp_profile=PROFILE))


class Line:
    """A departure and the socket at its other end."""

    def __init__(self, out: asyncio.DatagramTransport, far: socket.socket) -> None:
        pair = SimpleNamespace(
            protocol=SimpleNamespace(transport=out), remote_addr=far.getsockname()
        )
        ice = SimpleNamespace(_connection=SimpleNamespace(_nominated={1: pair}))
        self.transport = SimpleNamespace(
            state="connected", transport=ice, _tx_srtp=session(Policy.SSRC_ANY_OUTBOUND)
        )
        self.departure = Departure(self.transport)
        self._far = far
        self._rx = session(Policy.SSRC_ANY_INBOUND)

    def got(self, count: int) -> list[bytes]:
        return [self._rx.unprotect(self._far.recv(2_000)) for _ in range(count)]


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
        far.bind(("127.0.0.1", 0))
        far.settimeout(5.0)
        loop = asyncio.get_running_loop()
        out, _ = await loop.create_datagram_endpoint(
            asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0)
        )
        made = Line(out, far)
        yield made
        made.departure.close()
        out.close()


def packets(sizes: list[int], first: int = 1) -> list[bytes]:
    return [
        RtpPacket(96, first + n, 9_000, 7, payload=bytes([n + 1]) * size).serialize()
        for n, size in enumerate(sizes)
    ]


# What a camera's picture is: a little one, fragments of one size, a smaller last one.
PICTURE = [50, *[1_200] * 20, 400]


async def test_a_picture_leaves_in_order_each_packet_as_itself(line: Line) -> None:
    sent = packets(PICTURE)
    line.departure.send(sent)
    assert line.got(len(sent)) == sent
    assert line.departure.calls == (2 if LINUX else len(sent))
    assert line.departure.dropped == 0


@pytest.mark.parametrize("sizes", [[10, 1_200], [1_200, 10, 10, 1_200, 1_200], [7], [1_200] * 32])
async def test_whatever_sizes_follow_each_other(line: Line, sizes: list[int]) -> None:
    sent = packets(sizes)
    line.departure.send(sent)
    assert line.got(len(sent)) == sent


async def test_reports_go_protected_as_reports(line: Line) -> None:
    goodbye = serialize_compound([Goodbye((7,))])
    line.departure.send([*packets([100]), goodbye])
    assert len(line.got(1)) == 1
    report = session(Policy.SSRC_ANY_INBOUND).unprotect_rtcp(line._far.recv(2_000))
    assert report == goodbye


async def test_where_it_is_refused_they_go_one_by_one(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object) -> int:
        raise OSError(errno.EIO, "no offload")

    refusing = SimpleNamespace(sendmsg=refuses)
    monkeypatch.setattr(line.departure, "_own", lambda _line: refusing)
    for number in range(10):
        sent = packets([500, 500, 500], first=10 * number + 1)
        line.departure.send(sent)
        assert line.got(3) == sent
    assert not line.departure.together


async def test_what_is_too_long_is_left_out_and_counted(line: Line) -> None:
    sent = packets([100, 2_000, 100])
    line.departure.send(sent)
    assert line.got(2) == [sent[0], sent[2]] and line.departure.dropped == 1
    assert MOST_PACKETS * 1_400 < 1 << 16


async def test_a_connection_that_is_over_says_so(line: Line) -> None:
    line.transport.state = "closed"
    with pytest.raises(ConnectionError):
        line.departure.send(packets([1]))
