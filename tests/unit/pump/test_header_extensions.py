"""Every outgoing header is built anew, with the ids its own peer negotiated (RFC 8285)."""

from __future__ import annotations

import pytest

from mixer.rtp.packet import HeaderExtension, RtpPacket, audio_level_bytes
from mixer.rtp.twcc import TransportWideFeedback
from tests.unit.pump.rig import Rig, media_of


def audio(sequence: int, *extensions: tuple[int, bytes], csrcs: tuple[int, ...] = ()) -> RtpPacket:
    return RtpPacket(
        payload_type=111,
        sequence_number=sequence,
        timestamp=sequence * 960,
        ssrc=1000,
        payload=b"speech",
        csrcs=csrcs,
        extensions=tuple(HeaderExtension(*extension) for extension in extensions),
    )


def consume(rig: Rig, publisher: int, subscriber: int, mid: str = "") -> int:
    producer = rig.audio(publisher)
    consumer = rig.pump.add_consumer(producer, subscriber, ssrc=5, payload_type=100, mid=mid)
    rig.pump.set_consumer_layer(consumer, 0)
    return consumer


def test_without_negotiated_ids_nothing_of_the_publishers_header_goes_on(rig: Rig) -> None:
    publisher, subscriber = rig.srtp(mid=1, transport_cc=2, audio_level=3), rig.srtp()
    consume(rig, publisher, subscriber)
    sent = audio(1, (1, b"0"), (2, b"\0\1"), (3, b"\x85"), csrcs=(9, 8))
    (got,) = media_of(rig.send(publisher, sent)[subscriber])
    assert (got.extensions, got.csrcs, got.padding_bytes) == ((), (), 0)


def test_ids_are_the_receivers(rig: Rig) -> None:
    publisher = rig.srtp(mid=1, audio_level=2, video_orientation=3, transport_cc=4)
    subscriber = rig.srtp(
        mid=9, audio_level=8, video_orientation=7, transport_cc=6, abs_send_time=5
    )
    consume(rig, publisher, subscriber, mid="a7")
    level = audio_level_bytes(voice=True, level=30)
    sent = audio(1, (1, b"0"), (2, level), (3, b"\x02"), (4, b"\xab\xcd"))
    (got,) = media_of(rig.send(publisher, sent)[subscriber])
    by_id = {element.id: element.data for element in got.extensions}
    seconds = rig.now / 1e9
    assert by_id[9] == b"a7"
    assert by_id[8] == level
    assert by_id[7] == b"\x02"
    assert by_id[6] == b"\x00\x00"
    assert int.from_bytes(by_id[5], "big") == int(seconds * (1 << 18)) & 0xFFFFFF
    assert len(by_id) == 5


def test_orientation_and_level_go_on_only_when_they_came(rig: Rig) -> None:
    publisher, subscriber = rig.srtp(audio_level=2), rig.srtp(audio_level=8, video_orientation=7)
    consume(rig, publisher, subscriber)
    (with_level,) = media_of(rig.send(publisher, audio(1, (2, b"\x10")))[subscriber])
    (without,) = media_of(rig.send(publisher, audio(2))[subscriber])
    assert [element.id for element in with_level.extensions] == [8]
    assert without.extensions == ()


@pytest.mark.parametrize("bad_id", [15, 200])
def test_ids_that_one_byte_headers_cannot_carry_are_left_out(rig: Rig, bad_id: int) -> None:
    publisher, subscriber = rig.srtp(), rig.srtp(mid=bad_id, transport_cc=3)
    consume(rig, publisher, subscriber, mid="m")
    (got,) = media_of(rig.send(publisher, audio(1))[subscriber])
    assert [element.id for element in got.extensions] == [3]


def test_changed_ids_count_from_the_next_packet(rig: Rig) -> None:
    publisher, subscriber = rig.srtp(), rig.srtp(mid=1)
    consume(rig, publisher, subscriber, mid="m")
    (before,) = media_of(rig.send(publisher, audio(1))[subscriber])
    rig.pump.set_extensions(subscriber, mid=2, transport_cc=3)
    (after,) = media_of(rig.send(publisher, audio(2))[subscriber])
    assert [element.id for element in before.extensions] == [1]
    assert [element.id for element in after.extensions] == [2, 3]


def test_transport_wide_numbers_run_over_all_streams_of_a_transport(rig: Rig) -> None:
    publisher, subscriber = rig.srtp(transport_cc=3), rig.srtp(transport_cc=5)
    first = rig.audio(publisher, ssrc=1000)
    second = rig.audio(publisher, ssrc=2000)
    for number, producer in enumerate((first, second)):
        consumer = rig.pump.add_consumer(producer, subscriber, ssrc=50 + number, payload_type=1)
        rig.pump.set_consumer_layer(consumer, 0)
    sizes, times = [], []
    for sequence in range(10):
        rig.now += 5_000_000
        ssrc = 1000 if sequence % 2 else 2000
        extension = (HeaderExtension(3, (65_530 + sequence & 0xFFFF).to_bytes(2, "big")),)
        packet = RtpPacket(111, sequence, 1, ssrc, b"x" * (1 + sequence), extensions=extension)
        (got,) = media_of(rig.send(publisher, packet)[subscriber])
        times.append(rig.now)
        sizes.append(len(got.serialize()) + 16)  # and the AES-GCM tag
        assert got.extension(5) == sequence.to_bytes(2, "big")
    rig.send_rtcp(subscriber, TransportWideFeedback(1, 2, 0, 0, 0, (0,) * 10))
    expected, lost, size_bytes, _, *sent_s = rig.pump.line(subscriber)[4:10]
    assert (expected, lost, size_bytes) == (10, 0, sum(sizes))
    assert sent_s == pytest.approx([times[0] * 1e-9, times[-1] * 1e-9])
