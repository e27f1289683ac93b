"""H.264 as cameras send it, seen by viewers who come late: decoded, picture by picture.

Each stream is real (x264), goes through the pump packet by packet, and comes out at a decoder that
begins with nothing.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from mixer.pump import CODEC_H264, KEYFRAME_NEEDED
from mixer.rtp import h264
from mixer.rtp.feedback import Nack
from mixer.rtp.packet import RtpPacket
from tests.camera_media import (
    B_FRAMES,
    ENCODERS,
    AccessUnit,
    Viewer,
    encode_h264,
    packetise,
    parameter_sets,
    without_sets,
)
from tests.recorded_media import FRAME_RATE
from tests.unit.pump.rig import Rig, media_of

SSRC, OUT, OUT_RTX = 100, 5, 6
GROUP = 10  # pictures from keyframe to keyframe
SECONDS = 1.6
SPS, PPS, IDR, FU_A = 7, 8, 5, 28


class Camera:
    """One H.264 source and its viewers."""

    def __init__(self, rig: Rig, *, description: bytes = b"") -> None:
        self.rig = rig
        self.publisher = rig.srtp()
        self.producer = rig.pump.add_producer(
            self.publisher, codec=CODEC_H264, clock_rate=90_000, nack=False
        )
        rig.pump.add_encoding(
            self.producer, 0, ssrc=SSRC, payload_type=96, parameter_sets=description
        )
        self.viewers: dict[int, Viewer] = {}
        self.sent: dict[int, list[RtpPacket]] = {}

    def viewer(self) -> Viewer:
        transport = self.rig.srtp()
        consumer = self.rig.pump.add_consumer(
            self.producer, transport, ssrc=OUT, payload_type=96, rtx_ssrc=OUT_RTX,
            rtx_payload_type=97,
        )  # fmt: skip
        self.rig.pump.set_consumer_layer(consumer, 0)
        self.sent[transport] = []
        viewer = self.viewers[transport] = Viewer()
        return viewer

    def show(self, pictures: list[AccessUnit], *, then: dict[int, int] | None = None) -> None:
        """All of it, in order; before picture `n` of `then` so many viewers come."""
        place = -1
        last: AccessUnit | None = None
        for picture, packet in packetise(pictures, ssrc=SSRC):
            if picture is not last:
                last, place = picture, place + 1
                for _ in range((then or {}).get(place, 0)):
                    self.viewer()
            self.send(packet)

    def send(self, packet: RtpPacket) -> None:
        got = self.rig.send(self.publisher, packet)
        for transport, viewer in self.viewers.items():
            for one in media_of(got[transport]):
                self.sent[transport].append(one)
                viewer.take(one)


def stream(encoder: str) -> list[AccessUnit]:
    return encode_h264(ENCODERS[encoder], SECONDS, keyframe_every=GROUP)


def assert_seamless(packets: list[RtpPacket]) -> None:
    numbers = [packet.sequence_number for packet in packets]
    assert numbers == [(numbers[0] + n) & 0xFFFF for n in range(len(numbers))]


@pytest.mark.parametrize("sets", ["every", "once", "description"])
@pytest.mark.parametrize("encoder", sorted(ENCODERS))
def test_a_viewer_who_comes_late_sees_every_picture(rig: Rig, encoder: str, sets: str) -> None:
    pictures = stream(encoder)
    assert any(SPS in picture.types for picture in pictures[1:])
    description = b""
    if sets == "description":
        description = h264.aggregate(parameter_sets(pictures))
    if sets != "every":
        pictures = without_sets(pictures, but_first=sets == "once")
    camera = Camera(rig, description=description)
    camera.viewer()
    camera.show(pictures, then={GROUP + 3: 1})
    early, late = camera.viewers.values()
    everything = list(range(round(SECONDS * FRAME_RATE)))
    assert early.counters == everything
    assert late.counters == everything[2 * GROUP :]  # from the next keyframe on
    for viewer in (early, late):
        keyframes = [types for types in viewer.types if IDR in types]
        assert len(keyframes) >= 2
        assert all(types.index(SPS) < types.index(PPS) < types.index(IDR) for types in keyframes)
    for packets in camera.sent.values():
        assert_seamless(packets)


def marked(pictures: list[AccessUnit], marks: str) -> list[RtpPacket]:
    """The stream of a camera that marks every packet, or the end of every NAL unit."""
    packets = [packet for _, packet in packetise(pictures, ssrc=SSRC)]
    goes_on = [p.payload[0] & 0x1F == FU_A and not p.payload[1] & 0x40 for p in packets]
    return [
        replace(packet, marker=marks == "packets" or not more)
        for packet, more in zip(packets, goes_on, strict=True)
    ]


@pytest.mark.parametrize("marks", ["packets", "units"])
@pytest.mark.parametrize("encoder", ["messages", "slices"])
def test_a_camera_that_marks_more_than_its_pictures_is_shown_whole(
    rig: Rig, encoder: str, marks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.camera_media.MTU", 200)  # small pictures take several packets too
    pictures = stream(encoder)
    camera = Camera(rig)
    early = camera.viewer()
    keyframes = [place for place, picture in enumerate(pictures) if picture.keyframe]
    packets = marked(pictures, marks)
    begins = packets[0].timestamp + round(keyframes[2] * 90_000 / FRAME_RATE) & 0xFFFF_FFFF
    late = None
    for packet in packets:
        if packet.timestamp == begins and late is None:
            late = camera.viewer()
        camera.send(packet)
    assert late is not None
    everything = list(range(len(pictures)))
    assert late.counters == everything[keyframes[2] :]
    # How many slices a keyframe has is known from the first; with a single one there is no doubt.
    assert early.counters[-len(everything) + GROUP :] == everything[GROUP:]
    # Nor, where every packet is marked, that its first picture goes on behind its first marker.
    if (encoder, marks) == ("messages", "units"):
        assert early.counters == everything


def test_a_camera_that_ends_no_fragment_keeps_its_markers(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Browsers need no end of a fragment (RFC 6184 §5.8), but the picture's end."""
    monkeypatch.setattr("tests.camera_media.MTU", 200)
    pictures = stream("delimiters")
    camera = Camera(rig)
    camera.viewer()
    for packet in (packet for _, packet in packetise(pictures, ssrc=SSRC)):
        payload = bytearray(packet.payload)
        if payload[0] & 0x1F == FU_A:
            payload[1] &= ~0x40
        camera.send(replace(packet, payload=bytes(payload)))
    (sent,) = camera.sent.values()
    assert [packet.marker for packet in sent].count(True) == len(pictures)


def test_a_probe_under_a_pictures_timestamp_is_not_its_going_on(rig: Rig) -> None:
    """Browsers send padding behind a picture's marker; all of theirs stay good."""
    pictures = stream("delimiters")
    camera = Camera(rig)
    viewer = camera.viewer()
    number = 0
    for packet in (packet for _, packet in packetise(pictures, ssrc=SSRC)):
        for each in (packet, replace(packet, payload=b"")) if packet.marker else (packet,):
            number += 1
            camera.send(replace(each, sequence_number=number))
    assert viewer.counters == list(range(len(pictures)))
    assert [packet.marker for packet in camera.sent[next(iter(camera.sent))]].count(True) == len(
        pictures
    )


def test_sets_that_come_are_not_sent_twice(rig: Rig) -> None:
    pictures = stream("high")
    camera = Camera(rig, description=h264.aggregate(parameter_sets(pictures)))
    camera.viewer()
    camera.show(pictures)
    (viewer,) = camera.viewers.values()
    assert [types.count(SPS) for types in viewer.types if IDR in types] == [1] * 4
    assert rig.stat("parameter_sets_sent") == 0


def test_new_sets_replace_old_ones(rig: Rig) -> None:
    """A camera that changes its size says so once."""
    small = without_sets(stream("main"), but_first=True)
    large = encode_h264(ENCODERS["main"], SECONDS, width=640, height=480, keyframe_every=GROUP)
    shift = small[-1].time + 1 / FRAME_RATE
    large = [AccessUnit(shift + p.time, p.units, p.keyframe) for p in large]
    camera = Camera(rig)
    camera.show(small + without_sets(large, but_first=True), then={len(small) + GROUP + 1: 1})
    (viewer,) = camera.viewers.values()
    assert viewer.counters == list(range(2 * GROUP, len(large)))
    assert rig.pump.picture_format(camera.producer, 0) == parameter_sets(large)[0]
    (totals,) = rig.pump.layer_totals(camera.producer)
    assert totals.format_changes == 2


def test_what_was_put_in_front_is_repeated_when_it_is_lost(rig: Rig) -> None:
    pictures = without_sets(stream("baseline"), but_first=True)
    camera = Camera(rig)
    camera.show(pictures, then={GROUP + 1: 1})
    (transport,) = camera.viewers
    (sets, *_) = (p for p in camera.sent[transport] if p.payload[0] & 0x1F == 24)
    rig.wait(50)
    answer = rig.send_rtcp(transport, Nack(1, OUT, (sets.sequence_number,)))
    (again,) = media_of(answer[transport])
    assert (again.ssrc, again.timestamp) == (OUT_RTX, sets.timestamp)
    assert again.payload == sets.sequence_number.to_bytes(2, "big") + sets.payload
    assert not again.marker


def test_a_loss_in_front_of_a_keyframe_puts_nothing_in_its_place(rig: Rig) -> None:
    """The sets that were lost may have been new ones; they come again when they are asked for."""
    pictures = stream("main")
    camera = Camera(rig)
    viewer = camera.viewer()
    packets = packetise(pictures, ssrc=SSRC)
    lost: list[RtpPacket] = []
    for picture, packet in packets:
        is_sets = packet.payload[0] & 0x1F in (SPS, PPS)
        if picture is pictures[GROUP] and is_sets:
            lost.append(packet)
        else:
            camera.send(packet)
    assert len(lost) == 2
    assert rig.stat("parameter_sets_sent") == 0
    joined = camera.viewer()
    assert joined.types == []
    assert SPS not in viewer.types[GROUP]


def test_who_comes_between_loss_and_repair_begins_with_the_repair(rig: Rig) -> None:
    pictures = stream("main")[: GROUP + 3]
    camera = Camera(rig)
    packets = packetise(pictures, ssrc=SSRC)
    begin = next(n for n, (picture, _) in enumerate(packets) if picture is pictures[GROUP])
    for _, packet in packets[:begin]:
        camera.send(packet)
    camera.viewer()
    (transport,) = camera.viewers
    for _, packet in packets[begin + 1 :]:  # all but the sequence parameter set
        camera.send(packet)
    assert camera.sent[transport] == []
    camera.send(packets[begin][1])
    (viewer,) = camera.viewers.values()
    assert viewer.counters == [GROUP, GROUP + 1, GROUP + 2]


def test_a_keyframe_whose_beginning_comes_late_brings_all_that_followed(rig: Rig) -> None:
    """The next keyframe is among it, and has its sets put in front too."""
    pictures = encode_h264(ENCODERS["baseline"], 0.4, keyframe_every=4)
    camera = Camera(rig, description=h264.aggregate(parameter_sets(pictures)))
    packets = packetise(without_sets(pictures), ssrc=SSRC)
    late = next(n for n, (picture, _) in enumerate(packets) if picture.time == pictures[4].time)
    for n, (_, packet) in enumerate(packets):
        if n != late:
            camera.send(packet)
    viewer = camera.viewer()
    camera.send(packets[late][1])
    assert viewer.counters == [4, 5, 6, 7, 8, 9]
    assert [SPS in types for types in viewer.types] == [True, False, False, False, True, False]


def test_a_keyframe_answers_who_waits_for_one(rig: Rig) -> None:
    camera = Camera(rig)
    camera.viewer()
    assert len(rig.take_events(KEYFRAME_NEEDED)) == 1
    pictures = without_sets(stream("delimiters"), but_first=True)
    camera.show(pictures[GROUP:])
    rig.wait(2000)
    assert rig.take_events(KEYFRAME_NEEDED) == []
    (totals,) = rig.pump.layer_totals(camera.producer)
    assert totals.keyframes == 3


def test_sets_beyond_one_packet_are_left_out(rig: Rig) -> None:
    pictures = stream("baseline")
    sets = parameter_sets(pictures)
    camera = Camera(rig)
    camera.viewer()
    first, *rest = without_sets(pictures)
    huge = bytes([0x68]) + b"\x40" + bytes(990)  # another picture parameter set
    first = AccessUnit(first.time, (*sets, huge, *first.units), True)
    camera.show([first, *rest], then={GROUP + 1: 1})
    _, late = camera.viewers.values()
    assert late.counters == list(range(2 * GROUP, len(pictures)))
    for packets in camera.sent.values():
        assert all(len(packet.payload) <= 1100 for packet in packets)


B_STREAMS = {
    "none made from another": "bframes=3:b-adapt=0:b-pyramid=none:rc-lookahead=8",
    "some made from others": "bframes=3:b-adapt=0:b-pyramid=normal:rc-lookahead=8",
}


def in_order(pictures: list[AccessUnit]) -> list[AccessUnit]:
    """What a viewer can show: never back, and made from nothing that went back."""
    shown: list[AccessUnit] = []
    lacks = False
    for picture in pictures:
        late = not picture.keyframe and any(picture.time < one.time for one in shown)
        referenced = any(unit[0] & 0x60 for unit in picture.units if unit[0] & 0x1F in (1, IDR))
        lacks = not picture.keyframe and (lacks or (late and referenced))
        if not late and not lacks:
            shown.append(picture)
    return shown


@pytest.mark.parametrize("kind", B_STREAMS)
def test_a_viewer_is_sent_no_picture_that_he_could_not_show(rig: Rig, kind: str) -> None:
    """A browser that meets one asks for a keyframe, five times a second. Who records gets all."""
    options = {**B_FRAMES, "x264-params": B_STREAMS[kind]}
    pictures = encode_h264(options, SECONDS, keyframe_every=GROUP)
    camera = Camera(rig)
    camera.viewer()
    recorder = rig.plain()
    consumer = rig.pump.add_consumer(camera.producer, recorder, ssrc=9, payload_type=96)
    rig.pump.set_consumer_layer(consumer, 0)
    recorded: list[bytes] = []
    packets = packetise(pictures, ssrc=SSRC)
    for _, packet in packets:
        got = rig.send(camera.publisher, packet)
        recorded += [one.payload for one in media_of(got[recorder])]
        for transport, viewer in camera.viewers.items():
            for one in media_of(got[transport]):
                camera.sent[transport].append(one)
                viewer.take(one)
    assert recorded == [packet.payload for _, packet in packets]
    ((transport, viewer),) = camera.viewers.items()
    expected = in_order(pictures)
    assert GROUP // 10 * 4 < len(expected) < len(pictures) * 2 / 3
    assert len(viewer.types) == len(expected)
    times = [packet.timestamp - camera.sent[transport][0].timestamp for packet in
             camera.sent[transport]]  # fmt: skip
    assert [time & 0xFFFFFFFF for time in times] == sorted(time & 0xFFFFFFFF for time in times)
    shown = [round(picture.time * FRAME_RATE) for picture in expected]
    assert set(viewer.counters) <= set(shown)
    assert viewer.counters == sorted(viewer.counters)
    assert_seamless(camera.sent[transport])
    left_out = sum(picture not in expected for picture, _ in packets)
    assert rig.stat("unshowable_packets") == left_out
    (totals,) = rig.pump.layer_totals(camera.producer)
    assert totals.steps_back > 2


def test_a_group_sent_again_is_told_from_what_is_live(rig: Rig) -> None:
    """As who sends a camera on does it for somebody new: 0.1 ms a picture."""
    live = stream("main")
    before, after = live[: GROUP + 5], live[GROUP + 5 :]
    again = [
        replace(picture, time=before[-1].time + 1e-4 * (place + 1))
        for place, picture in enumerate(before[GROUP:])
    ]
    camera = Camera(rig)
    viewer = camera.viewer()
    camera.show([*before, *again, *after])
    packets = packetise([*before, *again, *after], ssrc=SSRC)
    of_group = [packet for picture, packet in packets if picture in again]
    (totals,) = rig.pump.layer_totals(camera.producer)
    assert totals.past_bytes == sum(12 + len(packet.payload) for packet in of_group)
    assert totals.bytes == sum(12 + len(packet.payload) for _, packet in packets)
    assert viewer.counters[-len(after) :] == list(range(len(before), len(live)))


def test_a_clock_that_stands_still_hides_nothing(rig: Rig) -> None:
    """A sender that is as slow all the time: from a group's length on it counts as live."""
    (picture,) = stream("main")[:1]
    slow = [replace(picture, time=1e-4 * place) for place in range(3_000)]
    packets = packetise(slow, ssrc=SSRC)
    assert len(packets) > 7_000
    camera = Camera(rig)
    for _, packet in packets:
        camera.send(packet)
    (totals,) = rig.pump.layer_totals(camera.producer)
    assert 0 < totals.past_bytes < 0.9 * totals.bytes


def test_a_keyframe_is_in_order_whatever_its_clock_says(rig: Rig) -> None:
    """A camera's clock set back by a second: from its next keyframe on all is as before."""
    pictures = stream("main")
    back = [
        AccessUnit(p.time - (1.0 if place >= GROUP else 0.0), p.units, p.keyframe)
        for place, p in enumerate(pictures)
    ]
    camera = Camera(rig)
    camera.viewer()
    camera.show(back)
    (viewer,) = camera.viewers.values()
    assert viewer.counters == list(range(len(pictures)))
    (totals,) = rig.pump.layer_totals(camera.producer)
    assert totals.steps_back == 0


# Filler data (H.264 §7.4.2.7): with them a second is more than a slab of the history.
FILLER = (b"\x0c" + b"\xff" * 1000,) * 2


class PastReader:
    """Who records: it comes in the middle, and wants what has been since the last keyframe."""

    def __init__(self, camera: Camera, ssrc: int, *, from_past: bool = True) -> None:
        rig = camera.rig
        self.transport = rig.plain()
        self.consumer = rig.pump.add_consumer(
            camera.producer, self.transport, ssrc=ssrc, payload_type=96, from_past=from_past
        )
        rig.pump.set_consumer_layer(self.consumer, 0)
        self.viewer = Viewer()
        self.packets: list[RtpPacket] = []

    def take(self, got: dict[int, list[bytes]]) -> None:
        for packet in media_of(got[self.transport]):
            self.packets.append(packet)
            self.viewer.take(packet)


class Shown:
    """Pictures at their pace, numbered through."""

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._sequence = 100

    def go_on(self, pictures: list[AccessUnit], readers: list[PastReader]) -> None:
        last: AccessUnit | None = None
        for picture, packet in packetise(pictures, ssrc=SSRC, first_sequence=self._sequence):
            self._sequence += 1
            if picture is not last:
                last = picture
                self._camera.rig.wait(1000 / FRAME_RATE)
            got = self._camera.rig.send(self._camera.publisher, packet)
            for reader in readers:
                reader.take(got)


@pytest.mark.parametrize("sets", ["every", "once"])
def test_who_records_begins_with_the_last_keyframe_that_came(rig: Rig, sets: str) -> None:
    """A source that answers no request for one would make him lose the first group of pictures."""
    group, early, late = 4 * FRAME_RATE, 15, 90  # the last longer than others are kept
    pictures = encode_h264(ENCODERS["main"], 8.0, keyframe_every=group)
    if sets == "once":
        pictures = without_sets(pictures, but_first=True)
    pictures = [AccessUnit(p.time, (*p.units, *FILLER), p.keyframe) for p in pictures]
    camera = Camera(rig)
    shown = Shown(camera)
    shown.go_on(pictures[:early], [])
    first = PastReader(camera, 8)
    first.take(rig.wait(1))
    assert first.viewer.counters == list(range(early))
    shown.go_on(pictures[early : group + late], [first])
    assert first.viewer.counters == list(range(group + late))
    second = PastReader(camera, 9)
    viewer = PastReader(camera, 10, from_past=False)
    got = rig.wait(1)
    for reader in (second, viewer):
        reader.take(got)
    assert second.viewer.counters == list(range(group, group + late))
    shown.go_on(pictures[group + late :], [second, viewer])
    assert second.viewer.counters == list(range(group, len(pictures)))
    assert_seamless(second.packets)
    assert viewer.viewer.counters == []


def test_what_was_sent_while_muted_is_not_shown_later(rig: Rig) -> None:
    pictures = stream("main")
    camera = Camera(rig)
    packets = packetise(pictures, ssrc=SSRC)
    muted = next(n for n, (picture, _) in enumerate(packets) if picture is pictures[3])
    again = next(n for n, (picture, _) in enumerate(packets) if picture is pictures[GROUP + 3])
    for n, (_, packet) in enumerate(packets[: again + 1]):
        if n == muted:
            rig.pump.set_producer_paused(camera.producer, True)
        if n == again:
            rig.pump.set_producer_paused(camera.producer, False)
        camera.send(packet)
    reader = PastReader(camera, 9)
    reader.take(rig.wait(1))
    assert reader.packets == []
    for _, packet in packets[again + 1 :]:
        reader.take(rig.send(camera.publisher, packet))
    assert reader.viewer.counters[0] == 2 * GROUP
