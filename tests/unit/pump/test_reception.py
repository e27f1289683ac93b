"""Which packets of a source are taken, by their sequence numbers (RFC 3550 appendix A.1)."""

from __future__ import annotations

import pytest

from mixer.rtp.packet import RtpPacket
from tests.unit.pump.rig import Rig, media_of

CASES = [
    pytest.param([1, 2, 3], [1, 2, 3], id="in-order"),
    pytest.param([1, 3, 2, 4], [1, 3, 2, 4], id="reordered"),
    pytest.param([1, 2, 2, 1, 3], [1, 2, 3], id="doubled"),
    pytest.param([65_534, 65_535, 0, 1], [65_534, 65_535, 0, 1], id="wrapped"),
    pytest.param([65_534, 0, 65_535, 1], [65_534, 0, 65_535, 1], id="reordered-at-the-wrap"),
    pytest.param([1, 2900, 2], [1, 2900], id="too-late"),
    pytest.param([1, 1024, 2, 1], [1, 1024, 2], id="just-in-time"),
    pytest.param([1, 3000, 3002], [1, 3000, 3002], id="gap-below-the-limit"),
    pytest.param([1, 3001, 2], [1, 2], id="jump-unconfirmed"),
    pytest.param([1, 9000, 9001, 9002], [1, 9001, 9002], id="restart"),
    pytest.param([9000, 100, 101, 102], [9000, 101, 102], id="restart-backwards"),
    pytest.param([1, 9000, 2, 9001, 3], [1, 2, 3], id="jump-withdrawn"),
    pytest.param([1, 9000, 9000, 2], [1, 2], id="jump-repeated"),
    pytest.param([1, 9000, 9001, 2, 9002], [1, 9001, 9002], id="straggler-after-restart"),
]


@pytest.mark.parametrize(("sent", "taken"), CASES)
def test_what_is_taken(rig: Rig, sent: list[int], taken: list[int]) -> None:
    publisher, subscriber = rig.plain(), rig.plain()
    producer = rig.audio(publisher)
    consumer = rig.pump.add_consumer(producer, subscriber, ssrc=5, payload_type=100)
    rig.pump.set_consumer_layer(consumer, 0)
    got = []
    for sequence in sent:
        packet = RtpPacket(111, sequence, 1, 1000, b"%d" % sequence)
        got += media_of(rig.send(publisher, packet)[subscriber])
    assert [int(packet.payload) for packet in got] == taken


def test_a_restart_goes_on_where_the_old_sequence_ended(rig: Rig) -> None:
    publisher, subscriber = rig.plain(), rig.plain()
    producer = rig.audio(publisher)
    consumer = rig.pump.add_consumer(producer, subscriber, ssrc=5, payload_type=100)
    rig.pump.set_consumer_layer(consumer, 0)
    got = []
    for sequence in (10, 11, 40_000, 40_001):
        rig.now += 20_000_000
        packet = RtpPacket(111, sequence, 7 * sequence, 1000, b"x")
        got += media_of(rig.send(publisher, packet)[subscriber])
    first = got[0]
    assert [(p.sequence_number - first.sequence_number) & 0xFFFF for p in got] == [0, 1, 2]
    assert got[2].timestamp - got[1].timestamp == 2 * 960  # by arrival
    assert rig.pump.producer_stats(producer)[0]["restarts"] == 1
