"""What `server.simulate.encoding.obey_feedback` relies on inside aiortc's sender.

The simulated seats hand aiortc encoded packets; keyframe requests and bandwidth estimates reach
our encoder only through `RTCRtpSender._handle_rtcp_packet`. If aiortc moves it, this fails first.
"""

from __future__ import annotations

import asyncio
import inspect

import av
import numpy as np
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack
from aiortc.rtp import RTCP_PSFB_APP, RTCP_PSFB_PLI, RtcpPsfbPacket, pack_remb_fci

from server.simulate.encoding import VideoEncoder, obey_feedback
from server.simulate.identity import Mark, heard_tones, read_mark
from server.simulate.scene import Scene, View
from server.simulate.sending import Camera, Sending
from server.simulate.tracks import SpeechLoop
from server.simulate.voice import SAMPLE_RATE, speech_loop
from server.simulate.watch import mono_samples
from signaling.protocol.messages import Source


def test_the_dtls_transport_calls_the_method_by_name() -> None:
    assert inspect.iscoroutinefunction(RTCRtpSender._handle_rtcp_packet)
    assert list(inspect.signature(RTCRtpSender._handle_rtcp_packet).parameters) == [
        "self",
        "packet",
    ]


async def connected(codec: str) -> tuple[Sending, RTCPeerConnection, list[MediaStreamTrack]]:
    """A simulated seat's publish connection to a plain aiortc receiver."""
    view = View(
        identity=4, name="A", school="B", source="students", width=320, height=180, frame_rate=15
    )
    sending, receiver = Sending(), RTCPeerConnection(RTCConfiguration(iceServers=[]))
    tracks: list[MediaStreamTrack] = []
    receiver.on("track", tracks.append)
    sending.add_microphone(SpeechLoop(speech_loop(4)), lambda: True)
    camera = Camera(Source.STUDENTS, 320, 180, 15, codec, 300_000)
    sending.add_camera(camera, Scene(view), lambda: False)
    sdp, sources = await sending.offer()
    assert list(sources.values()) == [Source.ROOM, Source.STUDENTS]
    await receiver.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
    await receiver.setLocalDescription(await receiver.createAnswer())
    await sending.take_answer(receiver.localDescription.sdp)
    return sending, receiver, tracks


@pytest.mark.parametrize("codec", ["H264", "VP8"])
async def test_identity_counter_and_tone_arrive_through_a_real_connection(codec: str) -> None:
    sending, receiver, tracks = await connected(codec)
    try:
        async with asyncio.timeout(30):
            marks: list[Mark] = []
            picture = next(track for track in tracks if track.kind == "video")
            while len(marks) < 10:
                frame = await picture.recv()
                assert isinstance(frame, av.VideoFrame)
                mark = read_mark(np.asarray(frame.to_ndarray(format="gray"), dtype=np.uint8))
                assert mark is not None
                marks.append(mark)
            assert {mark.identity for mark in marks} == {4}
            assert len({mark.counter for mark in marks}) == len(marks)
            codecs = picture_codecs(receiver)
            assert codecs[0] == f"video/{codec}"
            sound = next(track for track in tracks if track.kind == "audio")
            heard = np.zeros(0)
            while heard_tones(heard[-SAMPLE_RATE:], SAMPLE_RATE) != {4}:
                frame = await sound.recv()
                assert isinstance(frame, av.AudioFrame) and frame.sample_rate == SAMPLE_RATE
                heard = np.concatenate((heard, mono_samples(frame)))
    finally:
        await sending.close()
        await receiver.close()


def picture_codecs(receiver: RTCPeerConnection) -> list[str]:
    lines = receiver.localDescription.sdp.split("m=video")[1].splitlines()
    return ["video/" + line.split()[1].split("/")[0] for line in lines if "rtpmap" in line]


async def test_keyframe_requests_and_estimates_reach_the_encoder() -> None:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        sender = connection.addTransceiver("video").sender
        encoder = VideoEncoder("VP8", 320, 180, 15, 900_000)
        grey = np.full((270, 320), 128, dtype=np.uint8)
        obey_feedback(sender, encoder)
        encoder.encode(grey, 0)
        assert not encoder.encode(grey, 6000)[0].is_keyframe
        await sender._handle_rtcp_packet(RtcpPsfbPacket(fmt=RTCP_PSFB_PLI, ssrc=1, media_ssrc=2))
        assert encoder.encode(grey, 12_000)[0].is_keyframe
        estimate = pack_remb_fci(250_000, [2])
        await sender._handle_rtcp_packet(
            RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=1, media_ssrc=0, fci=estimate)
        )
        assert encoder.bitrate_bps == 250_000
        await sender._handle_rtcp_packet(
            RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=1, media_ssrc=0, fci=b"no REMB")
        )
        assert encoder.bitrate_bps == 250_000
    finally:
        await connection.close()
