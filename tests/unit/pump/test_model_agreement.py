"""The native pump and `models.rewriting` send the same packets, whatever happens to the source.

Seeded random histories: simulcast layers with their own numbers and clocks, loss, late and doubled
packets, repairs by RTX, padding, sender reports, layer changes, pauses, restarts, wraparounds, and
NACKs that bring back what was sent.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from mixer.pump import CODEC_H264, CODEC_OPUS, CODEC_VP8
from mixer.rtp.feedback import Nack
from mixer.rtp.packet import RtpPacket
from mixer.rtp.rtcp import SenderReport
from mixer.rtp.vp8 import Vp8Descriptor
from tests.models.rewriting import Consumer, Producer, SentPacket, SourcePacket
from tests.unit.pump.payloads import (
    FIRST_SLICE,
    FURTHER_SLICE,
    IDR,
    PPS,
    SLICE,
    SPS,
    h264_fragment,
    h264_nal,
    h264_stap,
    packet_of,
    rtx_of,
    vp8,
)
from tests.unit.pump.rig import MS, Rig, media_of

LAYERS = 3
MEDIA_TYPE, RTX_TYPE, OUT_TYPE, OUT_RTX_TYPE = 96, 97, 106, 107
NTP_EPOCH = 3_900_000_000 << 32
DELIMITER = 9
SET_IDS = (0x80, 0x40)  # 0 and 1 in Exp-Golomb


@dataclass(slots=True)
class Source:
    """One layer's encoder: its own sequence, clock offset, picture ids; pictures of 1–5 packets."""

    rng: random.Random
    codec: int
    layer: int
    sequence: int
    clock_offset: int
    picture_id: int
    tl0: int
    picture_id_bits: int
    queue: list[SourcePacket]
    body: bytes = b"body"  # of parameter sets

    @classmethod
    def make(cls, rng: random.Random, codec: int, layer: int) -> Source:
        near_wrap = rng.random() < 0.5
        return cls(
            rng=rng,
            codec=codec,
            layer=layer,
            sequence=rng.randrange(65_400, 65_536) if near_wrap else rng.randrange(65_536),
            clock_offset=rng.choice([rng.randrange(1 << 32), (1 << 32) - 5_000]),
            picture_id=rng.randrange(1 << 15),
            tl0=rng.randrange(256),
            picture_id_bits=rng.choice([7, 15]),
            queue=[],
        )

    def rate(self) -> int:
        return 48_000 if self.codec == CODEC_OPUS else 90_000

    def timestamp(self, now_ns: int) -> int:
        return (self.clock_offset + now_ns // 1000 * self.rate() // 1_000_000) & 0xFFFFFFFF

    def next_packet(self, now_ns: int) -> SourcePacket:
        if not self.queue:
            self.queue = list(self._picture(now_ns))
        return self.queue.pop(0)

    def _number(self) -> int:
        self.sequence = (self.sequence + 1) & 0xFFFF
        return self.sequence

    def _picture(self, now_ns: int) -> Iterator[SourcePacket]:
        timestamp = self.timestamp(now_ns)
        body = self.rng.randbytes(self.rng.randrange(1, 40))
        if self.rng.random() < 0.08:
            yield SourcePacket(self._number(), timestamp, b"")
        elif self.codec == CODEC_OPUS:
            yield SourcePacket(self._number(), timestamp, body, marker=self.rng.random() < 0.1)
        elif self.codec == CODEC_VP8:
            yield from self._vp8_picture(timestamp, body)
        else:
            yield from self._h264_picture(timestamp, body)

    def _vp8_picture(self, timestamp: int, body: bytes) -> Iterator[SourcePacket]:
        self.picture_id = (self.picture_id + 1) % (1 << self.picture_id_bits)
        self.tl0 = (self.tl0 + 1) & 0xFF
        keyframe = self.rng.random() < 0.2
        count = self.rng.randrange(1, 6)
        for place in range(count):
            payload = vp8(
                keyframe=keyframe,
                start=place == 0,
                picture_id=self.picture_id,
                picture_id_bits=self.picture_id_bits,
                tl0_index=self.tl0,
                body=body,
            )
            yield SourcePacket(
                self._number(),
                timestamp,
                payload,
                marker=place == count - 1,
                starts_keyframe=keyframe and place == 0,
                picture_id=self.picture_id,
                picture_id_bits=self.picture_id_bits,
                tl0_index=self.tl0,
            )

    def _h264_picture(self, timestamp: int, body: bytes) -> Iterator[SourcePacket]:
        keyframe = self.rng.random() < 0.2
        is_back = not keyframe and self.rng.random() < 0.3
        if is_back:  # now and then so far that its clock has been set
            timestamp -= self.rng.choice([3_000, 6_000, 20_000, 400_000])
            timestamp &= 0xFFFFFFFF
        unreferenced = is_back and self.rng.random() < 0.8
        if self.rng.random() < 0.2:
            payload = h264_nal(DELIMITER, body, importance=0)
            yield SourcePacket(self._number(), timestamp, payload, is_unreferenced=True)
        if keyframe and self.rng.random() < 0.5:  # else an IDR whose parameters went before
            yield from self._parameter_sets(timestamp)
        kind = IDR if keyframe else SLICE
        payloads = [
            payload
            for number in range(self.rng.randrange(1, 3))
            for payload in self._slice(
                kind,
                (FURTHER_SLICE if number else FIRST_SLICE) + body,
                importance=0 if unreferenced else 3,
            )
        ]
        for place, payload in enumerate(payloads):
            yield SourcePacket(
                self._number(),
                timestamp,
                payload,
                marker=place == len(payloads) - 1,
                has_slice=True,
                starts_idr=keyframe and place == 0,
                is_unreferenced=unreferenced,
                is_idr=keyframe,
            )

    def _slice(self, kind: int, body: bytes, importance: int) -> list[bytes]:
        count = self.rng.randrange(1, 4)
        if count == 1:
            return [h264_nal(kind, body, importance=importance)]
        return [
            h264_fragment(
                kind, start=place == 0, end=place == count - 1, body=body, importance=importance
            )
            for place in range(count)
        ]

    def _parameter_sets(self, timestamp: int) -> Iterator[SourcePacket]:
        """One or two of each, now and then other ones; now and then one alone, or impossible."""
        rng = self.rng
        number = rng.choice([1, 1, 1, 2])
        units = [
            *(h264_nal(SPS, bytes([66, 0, 31, SET_IDS[i]]) + self.body) for i in range(number)),
            *(h264_nal(PPS, bytes([SET_IDS[i]]) + self.body) for i in range(number)),
        ]
        if rng.random() < 0.3:
            self.body = rng.randbytes(rng.randrange(1, 320 if rng.random() < 0.1 else 40))
        if rng.random() < 0.1:
            units = [rng.choice(units)]
        if rng.random() < 0.1:
            units.append(h264_nal(PPS, rng.randbytes(rng.randrange(1, 4))))
        together = rng.random() < 0.5
        for some in [units] if together else [[unit] for unit in units]:
            payload = h264_stap(*some) if together else some[0]
            yield SourcePacket(self._number(), timestamp, payload, parameter_sets=tuple(some))


class Comparison:
    """The pump and the model side by side, given the same."""

    def __init__(self, rng: random.Random, codec: int, consumers: int) -> None:
        self.rng, self.codec = rng, codec
        self.rig = Rig()
        self.layers = 1 if codec == CODEC_OPUS else LAYERS
        self.sources = [Source.make(rng, codec, layer) for layer in range(self.layers)]
        self.model = Producer(layers=self.layers, h264=codec == CODEC_H264)
        pump, rig = self.rig.pump, self.rig
        self.publisher = rig.plain()
        rate = self.sources[0].rate()
        self.producer = pump.add_producer(self.publisher, codec=codec, clock_rate=rate, nack=False)
        for layer in range(self.layers):
            pump.add_encoding(
                self.producer,
                layer,
                ssrc=100 + layer,
                payload_type=MEDIA_TYPE,
                rtx_ssrc=200 + layer,
                rtx_payload_type=RTX_TYPE,
            )
        # The first reads locally and takes all; the others are viewers.
        self.transports = [rig.plain(), *(rig.srtp() for _ in range(consumers - 1))]
        self.ids = [
            pump.add_consumer(
                self.producer,
                transport,
                ssrc=300,
                payload_type=OUT_TYPE,
                rtx_ssrc=301,
                rtx_payload_type=OUT_RTX_TYPE,
            )
            for transport in self.transports
        ]
        self.model.consumers = [
            Consumer(
                clock_rate=rate,
                joins_anywhere=codec == CODEC_OPUS,
                first_sequence=0,
                takes_all=place == 0,
            )
            for place in range(consumers)
        ]
        self.first_sequences: list[int | None] = [None] * consumers
        self.rtx_sequences: list[int | None] = [None] * consumers
        self.kept: list[list[SourcePacket]] = [[] for _ in range(self.layers)]
        self.sent_at: list[dict[int, int]] = [{} for _ in self.ids]
        self.forwarded = 0

    # What happens to the source

    def receive(self, layer: int, packet: SourcePacket, *, repaired: bool = False) -> None:
        if repaired:
            wire = rtx_of(
                packet,
                ssrc=200 + layer,
                payload_type=RTX_TYPE,
                sequence=self.rng.randrange(65_536),
            )
        else:
            wire = packet_of(packet, ssrc=100 + layer, payload_type=MEDIA_TYPE)
            self.kept[layer] = [*self.kept[layer][-40:], packet]
        expected = self.model.receive(layer, packet, repaired=repaired, now_ns=self.rig.now)
        got = self.rig.send(self.publisher, wire)
        for place, transport in enumerate(self.transports):
            self.compare(place, expected[place], media_of(got[transport]))

    def compare(self, place: int, expected: list[SentPacket], got: list[RtpPacket]) -> None:
        self.forwarded += len(got)
        self.sent_at[place] |= dict.fromkeys((sent.sequence for sent in expected), self.rig.now)
        if self.first_sequences[place] is None and got:
            self.first_sequences[place] = got[0].sequence_number
        assert [self.seen(place, packet) for packet in got] == [
            (sent.sequence, sent.timestamp, sent.marker, self.rewritten(sent)) for sent in expected
        ]

    def seen(self, place: int, packet: RtpPacket) -> tuple[int, int, bool, bytes]:
        first = self.first_sequences[place]
        assert first is not None
        assert (packet.ssrc, packet.payload_type) == (300, OUT_TYPE)
        sequence = (packet.sequence_number - first) & 0xFFFF
        return sequence, packet.timestamp, packet.marker, packet.payload

    def rewritten(self, sent: SentPacket) -> bytes:
        """The payload with the consumer's picture ids, as `mixer.rtp.vp8` writes them."""
        if self.codec != CODEC_VP8 or not sent.payload:
            return sent.payload
        old = Vp8Descriptor.parse(sent.payload)
        new = Vp8Descriptor(
            start_of_partition=old.start_of_partition,
            partition_index=old.partition_index,
            picture_id=sent.picture_id,
            picture_id_bits=old.picture_id_bits,
            tl0_picture_index=sent.tl0_index,
            temporal_index=old.temporal_index,
        )
        return new.serialize() + sent.payload[old.size :]

    # What else happens

    def report(self, layer: int) -> None:
        now = self.rig.now
        ntp = NTP_EPOCH + (now << 32) // 1_000_000_000 + self.rng.randrange(-(1 << 22), 1 << 22)
        timestamp = self.sources[layer].timestamp(now)
        self.model.report(layer, ntp, timestamp)
        self.rig.send_rtcp(self.publisher, SenderReport(100 + layer, ntp, timestamp, 1, 1))

    def choose_layer(self) -> None:
        place = self.rng.randrange(len(self.ids))
        layer = self.rng.randrange(-1, self.layers)
        self.model.consumers[place].set_target(layer)
        self.rig.pump.set_consumer_layer(self.ids[place], layer)

    def pause_or_resume(self) -> None:
        paused = not self.model.paused
        self.model.set_paused(paused)
        self.rig.pump.set_producer_paused(self.producer, paused)

    def nack(self) -> None:
        """A receiver asks for one of its last packets, or for one that never was."""
        place = self.rng.randrange(len(self.ids))
        first, consumer = self.first_sequences[place], self.model.consumers[place]
        if first is None or self.model.paused:
            return
        self.rig.now += 30 * MS  # beyond the spacing of repeats
        wanted = self.rng.choice([*list(consumer.sent)[-20:], 40_000])
        got = self.rig.send_rtcp(self.transports[place], Nack(1, 300, ((wanted + first) & 0xFFFF,)))
        answers = media_of(got[self.transports[place]])
        sent = consumer.sent.get(wanted)
        if sent is None or consumer.target < 0:
            assert answers == []
            return
        if not answers:
            assert not self.must_be_kept(place, sent)
            return
        (answer,) = answers
        assert (answer.ssrc, answer.payload_type) == (301, OUT_RTX_TYPE)
        assert int.from_bytes(answer.payload[:2], "big") == (wanted + first) & 0xFFFF
        assert (answer.timestamp, answer.payload[2:]) == (sent.timestamp, self.rewritten(sent))
        last = self.rtx_sequences[place]
        assert last is None or answer.sequence_number == (last + 1) & 0xFFFF
        self.rtx_sequences[place] = answer.sequence_number

    def must_be_kept(self, place: int, sent: SentPacket) -> bool:
        """Sent within the last second, among the last 100 of a source that has not restarted."""
        layer, sequence = sent.source
        encoding = self.model.encodings[layer]
        young = self.rig.now - self.sent_at[place][sent.sequence] < 900 * MS
        near = sequence > encoding.reception.highest - 100
        if sent.is_sets and sent.payload != encoding.sets.payload:
            return False  # others are kept now
        return young and near and sequence in encoding.history

    def restart(self, layer: int) -> None:
        source = self.sources[layer]
        source.sequence = (source.sequence + 20_000) & 0xFFFF
        source.clock_offset = self.rng.randrange(1 << 32)
        source.queue.clear()

    def step(self) -> None:
        rng, layer = self.rng, self.rng.randrange(self.layers)
        self.rig.now += rng.randrange(1, 12) * MS
        packet = self.sources[layer].next_packet(self.rig.now)
        fate = rng.random()
        if fate < 0.80:
            self.receive(layer, packet)
        elif fate < 0.84:
            self.receive(layer, packet)
            self.receive(layer, packet)
        elif fate < 0.88:
            follower = self.sources[layer].next_packet(self.rig.now)
            self.receive(layer, follower)
            self.receive(layer, packet)
        elif fate < 0.92:
            follower = self.sources[layer].next_packet(self.rig.now)
            self.receive(layer, follower)
            if packet.payload:
                self.receive(layer, packet, repaired=True)
        for chance, action in (
            (0.04, lambda: self.report(layer)),
            (0.06, self.choose_layer),
            (0.01, self.pause_or_resume),
            (0.05, self.nack),
            (0.003, lambda: self.restart(layer)),
        ):
            if rng.random() < chance:
                action()
        if self.model.paused and rng.random() < 0.1:
            self.pause_or_resume()
        if self.kept[layer] and rng.random() < 0.03:  # long after: a duplicate, or a late repair
            self.receive(layer, rng.choice(self.kept[layer]))


@pytest.mark.parametrize("codec", [CODEC_VP8, CODEC_H264, CODEC_OPUS], ids=["VP8", "H264", "Opus"])
@pytest.mark.parametrize("seed", range(12))
def test_every_packet_is_as_the_model_says(codec: int, seed: int) -> None:
    comparison = Comparison(random.Random(f"{codec}-{seed}"), codec, consumers=3)
    try:
        for place in range(3):
            comparison.model.consumers[place].set_target(0)
            comparison.rig.pump.set_consumer_layer(comparison.ids[place], 0)
        for _ in range(1500):
            comparison.step()
        sets = comparison.rig.stat("parameter_sets_sent")
    finally:
        comparison.rig.close()
    assert comparison.forwarded > 300
    assert (sets > 10) is (codec == CODEC_H264)
    assert sum(consumer is not None for consumer in comparison.rtx_sequences) == 3
