"""What `hardware_profiles.room_agent.sending` relies on inside aiortc.

Ready packets go out through the DTLS transport by `_send_rtp`; the sender's own packets rest, its
reports are ours by `_send_rtcp`, and requests come by `_handle_rtcp_packet` for every SSRC that the
transport's router knows. If aiortc moves one of them, this fails first.
"""

from __future__ import annotations

import asyncio
from random import Random

import av
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack

from hardware_profiles.room_agent.camera import CameraFeed
from hardware_profiles.room_agent.converting.target import Target
from hardware_profiles.room_agent.sending import CameraSending, SentCamera
from hardware_profiles.room_agent.sources.rtsp.address import StreamAddress
from hardware_profiles.room_agent.sources.source import NetworkCamera
from mixer.model import SourceOffer
from mixer.transport.publish_answer import read_offer
from signaling.protocol.messages import Source
from tests.camera_media import ENCODERS, encode_h264, packetise
from tests.recorded_media import read_counter

CAMERA = "rtsp://10.0.0.5/main"
WAIT_S = 30.0


def stream() -> CameraFeed:
    source = NetworkCamera(StreamAddress.parse(CAMERA), None, udp=False, rng=Random(1))
    return CameraFeed(source, Target(320, 240, 25, 400_000), first_timestamp=0xFFFF_0000)


async def test_ready_packets_arrive_with_the_group_before_them() -> None:
    """The connection is made in the middle of a group: its beginning comes all the same."""
    pictures = encode_h264(ENCODERS["high"], 4, keyframe_every=100)
    packets = [packet.serialize() for _, packet in packetise(pictures, ssrc=7)]
    camera, now = stream(), asyncio.get_running_loop().time
    camera.path.begin(96, ())
    half = len(packets) // 2
    for data in packets[:half]:
        camera.packet(data, now(), control=False)
    sending = CameraSending([SentCamera(Source.STUDENTS, [camera])], rng=Random(2))
    receiver = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    tracks: list[MediaStreamTrack] = []
    receiver.on("track", tracks.append)
    try:
        sdp, sources = await sending.offer()
        assert list(sources.values()) == [Source.STUDENTS]
        await receiver.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        await receiver.setLocalDescription(await receiver.createAnswer())
        await sending.take_answer(receiver.localDescription.sdp)
        for place, data in enumerate(packets[half:]):
            camera.packet(data, now(), control=False)
            if place % 20 == 0:
                await asyncio.sleep(0.01)
        track: MediaStreamTrack = tracks[0]
        seen: list[int] = []
        async with asyncio.timeout(WAIT_S):
            while len(seen) < len(pictures) - 1:  # the receiver gives a picture when the next comes
                frame = await track.recv()
                assert isinstance(frame, av.VideoFrame)
                seen.append(read_counter(frame.to_ndarray(format="rgb24")))
        assert seen == list(range(len(seen)))
    finally:
        await sending.close()
        await receiver.close()
    assert not camera.needed


async def test_a_cameras_streams_are_offered_as_layers_without_repair() -> None:
    sending = CameraSending(
        [SentCamera(Source.TEACHER, [stream(), stream()]), SentCamera(Source.BOARD, [stream()])],
        rng=Random(2),
    )
    try:
        sdp, sources = await sending.offer()
    finally:
        await sending.close()
    offers = {mid: SourceOffer(source.value, 4_000_000) for mid, source in sources.items()}
    plan = read_offer(sdp, offers, max_encodings=3)
    assert [len(source.encodings) for source in plan.sources] == [2, 1]
    ssrcs = [encoding.ssrc for source in plan.sources for encoding in source.encodings]
    assert ssrcs == [layer.ssrc for way in sending._ways for layer in way.layers]
    assert all(encoding.rtx_ssrc == 0 for one in plan.sources for encoding in one.encodings)
    assert {one.codec.name for one in plan.sources} == {"H264"}


async def test_layers_that_nobody_needs_rest_and_begin_with_their_group() -> None:
    pictures = encode_h264(ENCODERS["main"], 0.4, keyframe_every=100)
    packets = [packet.serialize() for _, packet in packetise(pictures, ssrc=7)]
    small, large = stream(), stream()
    sending = CameraSending([SentCamera(Source.TEACHER, [small, large])], rng=Random(2))
    try:
        _, sources = await sending.offer()
        (mid,) = sources
        sending.need(mid, 1)  # it is told before it is connected
        sending._ways[0].open(96)
        assert (small.needed, large.needed) == (True, False)
        large.path.begin(96, ())
        for data in packets:
            large.packet(data, asyncio.get_running_loop().time(), control=False)
        assert not sending._waiting
        sending.need(mid, 2)
        assert large.needed and len(sending._waiting) == len(large.path.group.packets) > 0
        sending.need("another line", 1)
        assert large.needed
        sending.need(mid, 1)
        assert (small.needed, large.needed) == (True, False)
    finally:
        await sending.close()
    assert not small.needed
