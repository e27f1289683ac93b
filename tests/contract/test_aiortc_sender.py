"""What `server.simulate.encoding.obey_feedback` relies on inside aiortc's sender.

The simulated seats hand aiortc encoded packets; keyframe requests and bandwidth estimates reach
our encoder only through `RTCRtpSender._handle_rtcp_packet`. If aiortc moves it, this fails first.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from typing import Any

import av
import numpy as np
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_PLI,
    AnyRtcpPacket,
    RtcpPsfbPacket,
    RtcpSrPacket,
    pack_remb_fci,
)

from mixer.rtp.sequence import unix_ns_from_ntp
from server.simulate.encoding import VideoEncoder, obey_feedback
from server.simulate.identity import Mark, heard_tones, read_mark
from server.simulate.scene import Picture, Scene, SceneView
from server.simulate.sending import SentPicture, SimulatedSending
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


async def connected(
    codec: str,
) -> tuple[SimulatedSending, RTCPeerConnection, list[MediaStreamTrack]]:
    """A simulated seat's publish connection to a plain aiortc receiver."""
    view = SceneView(
        identity=4, name="A", school="B", source="students", width=320, height=180, frame_rate=15
    )
    sending, receiver = SimulatedSending(), RTCPeerConnection(RTCConfiguration(iceServers=[]))
    tracks: list[MediaStreamTrack] = []
    receiver.on("track", tracks.append)
    sending.add_microphone(SpeechLoop(speech_loop(4)), lambda: True)
    sent = SentPicture(Source.STUDENTS, 320, 180, 15, codec, 300_000)
    sending.add_picture(sent, Scene(view), lambda: False)
    sdp, sources = await sending.offer()
    assert list(sources.values()) == [Source.ROOM, Source.STUDENTS]
    await receiver.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
    await receiver.setLocalDescription(await receiver.createAnswer())
    await sending.take_answer(receiver.localDescription.sdp)
    return sending, receiver, tracks


@pytest.mark.parametrize("codec", ["H264", pytest.param("VP8", marks=pytest.mark.thorough)])
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


@pytest.mark.thorough
async def test_reports_name_the_capture_of_what_left_last() -> None:
    """aiortc's own reports name when a packet left; `report_captures` sets that right.

    Drawing takes 150 ms here: told as time, it would set sound and picture apart.
    """

    class Slow:
        def picture(self, counter: int, *, at: float = 0.0, hand: bool = False) -> Picture:
            time.sleep(0.15)  # the slow drawing is what is tested
            return np.full((270, 320), 128, dtype=np.uint8)

    sending, receiver = SimulatedSending(), RTCPeerConnection(RTCConfiguration(iceServers=[]))
    sending.add_microphone(SpeechLoop(speech_loop(4)), lambda: True)
    sending.add_picture(
        SentPicture(Source.STUDENTS, 320, 180, 5, "VP8", 300_000), Slow(), lambda: False
    )
    reports: dict[str, list[tuple[int, float]]] = {"audio": [], "video": []}
    captures: dict[str, dict[int, float]] = {"audio": {}, "video": {}}
    for sender in (t.sender for t in sending.connection.getTransceivers()):
        watch(sender, reports[sender.kind], captures[sender.kind])
    try:
        sdp, _ = await sending.offer()
        await receiver.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        await receiver.setLocalDescription(await receiver.createAnswer())
        await sending.take_answer(receiver.localDescription.sdp)
        async with asyncio.timeout(60):
            while min(map(len, reports.values())) < 3:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.1)
    finally:
        await sending.close()
        await receiver.close()
    for kind, told in reports.items():
        # Timestamps begin anywhere: all reports agree on where.
        rate = 48_000 if kind == "audio" else 90_000
        begins = []
        for rtp, ntp in told:
            frame = min(captures[kind].items(), key=lambda one: abs(one[1] - ntp))
            assert ntp == pytest.approx(frame[1], abs=0.001), kind
            begins.append((rtp - frame[0]) % 2**32)
        assert len(set(begins)) == 1, (kind, rate, begins)


def watch(
    sender: RTCRtpSender, reports: list[tuple[int, float]], captures: dict[int, float]
) -> None:
    """Note what the sender reports, and the capture time of every frame by its timestamp."""
    hook: Any = sender
    send, encode = sender._send_rtcp, sender._next_encoded_frame

    async def send_rtcp(packets: list[AnyRtcpPacket]) -> None:
        for packet in packets:
            if isinstance(packet, RtcpSrPacket) and packet.sender_info.packet_count:
                info = packet.sender_info
                reports.append((info.rtp_timestamp, unix_ns_from_ntp(info.ntp_timestamp) / 1e9))
        await send(packets)

    async def next_encoded_frame(codec: Any) -> Any:
        frame = await encode(codec)
        if frame is not None:
            captures[frame.timestamp] = sender.track.captured_at  # type: ignore[attr-defined]  # a track of this test
        return frame

    hook._send_rtcp, hook._next_encoded_frame = send_rtcp, next_encoded_frame
