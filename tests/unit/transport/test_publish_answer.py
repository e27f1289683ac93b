"""Publish offers of real peers: what is taken from them, what is answered, what is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from aiortc import RTCPeerConnection
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack

from mixer import sdp
from mixer.errors import SdpRefused
from mixer.model import Kind, LayerOffer, SourceOffer
from mixer.sdp import IceCredentials
from mixer.transport import publish_answer as publish
from mixer.transport.dtls import DtlsRole, Fingerprint
from mixer.transport.peer import LocalParameters

VECTORS = Path(__file__).parents[2] / "vectors" / "sdp"
CHROMIUM = (VECTORS / "chromium_156_publish.sdp").read_bytes().decode()
FIREFOX = (VECTORS / "firefox_153_publish.sdp").read_bytes().decode()  # it has no OpenH264

SOUND = SourceOffer("room", 48_000)
PICTURE = SourceOffer("teacher", 2_500_000)
SCREEN = SourceOffer("screen", 1_500_000)

LOCAL = LocalParameters(
    credentials=IceCredentials("ufragufrag", "p" * 24),
    fingerprint=Fingerprint("sha-256", "AA:BB"),
    candidates=(("192.0.2.1", 7881), ("2001:db8::1", 7881)),
    setup="passive",
    session_id=1,
    session_version=2,
)


def read(text: str, **sources: SourceOffer) -> publish.PublishPlan:
    named = {mid.removeprefix("m"): source for mid, source in sources.items()}
    return publish.read_offer(text, named, max_encodings=3)


def test_chromium_offer_is_read() -> None:
    plan = read(CHROMIUM, m0=SOUND, m1=PICTURE, m2=SCREEN)
    sound, picture, screen = plan.sources
    assert plan.peer.our_role is DtlsRole.SERVER
    assert (sound.kind, sound.codec.name, sound.codec.payload_type) == (Kind.AUDIO, "opus", 111)
    assert (picture.codec.name, picture.codec.profile) == ("H264", "42e01f")
    assert picture.codec.rtx_payload_type == 109
    assert [encoding.rid for encoding in picture.encodings] == ["q", "h", "f"]
    assert [bool(e.ssrc and e.rtx_ssrc and not e.rid) for e in screen.encodings] == [True]
    assert plan.extensions.mid == 4
    assert plan.extensions.rid == 10
    assert plan.extensions.repaired_rid == 11
    assert plan.extensions.audio_level == 1
    assert plan.extensions.transport_cc == 3
    assert not plan.wants_remb


def test_answer_to_chromium() -> None:
    answer = publish.write_answer(read(CHROMIUM, m0=SOUND, m1=PICTURE), LOCAL)
    parsed = sdp.parse(answer)
    sound, picture, _ = parsed.media
    assert parsed.ice_lite
    assert parsed.bundle == ("0", "1", "2")
    assert [m.direction for m in parsed.media] == ["recvonly", "recvonly", "inactive"]
    assert [m.first("setup") for m in parsed.media] == ["passive"] * 3
    assert picture.formats == ("108", "109")
    assert picture.feedback()[108] == {"nack", "nack pli", "ccm fir", "transport-cc"}
    assert picture.simulcast_rids("recv") == ["q", "h", "f"]
    assert picture.all("rid") == ["q recv", "h recv", "f recv"]
    assert sound.format_parameters()[111]["useinbandfec"] == "1"
    assert sound.format_parameters()[111]["usedtx"] == "0"
    assert sound.format_parameters()[111]["maxaveragebitrate"] == "48000"
    assert "b=TIAS:2500000" in answer
    assert [len(media.all("candidate")) for media in parsed.media] == [2, 2, 2]
    assert "urn:3gpp:video-orientation" not in answer


def test_firefox_offer_is_read() -> None:
    plan = read(FIREFOX, m0=SOUND, m1=PICTURE)
    sound, picture = plan.sources
    assert plan.peer.our_role is DtlsRole.SERVER
    assert (sound.codec.name, sound.codec.payload_type) == ("opus", 109)
    assert "nack" in sound.codec.feedback
    assert (picture.codec.name, picture.codec.payload_type) == ("VP8", 120)
    assert picture.codec.rtx_payload_type == 124
    # It names SSRCs beside its RIDs, in no order that means anything: RIDs are what counts.
    assert [(e.rid, e.ssrc, e.rtx_ssrc) for e in picture.encodings] == [
        (rid, 0, 0) for rid in ("q", "h", "f")
    ]
    assert (plan.extensions.mid, plan.extensions.rid, plan.extensions.repaired_rid) == (3, 9, 10)
    assert (plan.extensions.audio_level, plan.extensions.transport_cc) == (1, 7)
    assert not plan.wants_remb


def test_answer_to_firefox() -> None:
    parsed = sdp.parse(publish.write_answer(read(FIREFOX, m0=SOUND, m1=PICTURE), LOCAL))
    sound, picture = parsed.media
    assert [m.direction for m in parsed.media] == ["recvonly", "recvonly"]
    assert picture.formats == ("120", "124")
    # It describes feedback of payload types that it does not offer: none of it comes back.
    assert {number for number, kinds in picture.feedback().items() if kinds} == {120}
    assert picture.simulcast_rids("recv") == ["q", "h", "f"]
    assert picture.all("rid") == ["q recv", "h recv", "f recv"]
    assert sound.formats == ("109",)


@pytest.mark.parametrize(
    ("simulcast", "order"),
    [
        ("f;h;q", ["q", "h", "f"]),
        ("h;m;l", ["l", "m", "h"]),
        ("high;mid;low", ["low", "mid", "high"]),
        ("r0;r1;r2", ["r0", "r1", "r2"]),
        ("q;h", ["q", "h"]),
        ("hi;mid;lo", ["lo", "mid", "hi"]),
        ("large;small;medium", ["small", "medium", "large"]),
        ("0;1;2", ["0", "1", "2"]),  # nobody knows: their pictures will tell
        ("a;b;c;d", ["a", "b", "d"]),
        ("a;b;c;d;e;f;g", ["a", "d", "g"]),
    ],
)
def test_layers_are_ordered_by_name_and_bounded(simulcast: str, order: list[str]) -> None:
    offer = CHROMIUM.replace("a=simulcast:send q;h;f", f"a=simulcast:send {simulcast}")
    assert [e.rid for e in read(offer, m1=PICTURE).sources[0].encodings] == order


def sizes(offer: str, source: SourceOffer) -> list[tuple[str, tuple[int, int]]]:
    return [(one.rid, one.size) for one in read(offer, m1=source).sources[0].encodings]


def test_sizes_are_those_the_offer_says_else_those_its_sender_was_told() -> None:
    asked = SourceOffer(
        "teacher", 0, (LayerOffer("q", 320, 180), LayerOffer("f", 1280, 720), LayerOffer("x", 9, 9))
    )
    assert sizes(CHROMIUM, asked) == [("q", (320, 180)), ("h", (0, 0)), ("f", (1280, 720))]
    for restrictions, size in (
        ("max-width=640;max-height=480;max-fps=30", (640, 480)),
        ("pt=108; max-height=480; max-width=640", (640, 480)),
        ("max-width=640", (1280, 720)),
        ("max-width=;max-height=x", (1280, 720)),
        ("max-width=١;max-height=٢", (1280, 720)),
        ("max-width=999999;max-height=2", (1280, 720)),
    ):
        offer = CHROMIUM.replace("a=rid:f send", f"a=rid:f send {restrictions}")
        assert sizes(offer, asked)[2] == ("f", size), restrictions


def test_simulcast_by_ssrc_groups() -> None:
    lines = [line for line in CHROMIUM.split("\r\n") if not line.startswith("a=ssrc")]
    groups = "a=ssrc-group:SIM 10 20 30\r\na=ssrc-group:FID 20 21\r\na=ssrc:10 cname:x"
    offer = "\r\n".join(lines).rstrip() + "\r\n" + groups + "\r\n"
    encodings = read(offer, m2=SCREEN).sources[0].encodings
    assert [(e.ssrc, e.rtx_ssrc) for e in encodings] == [(10, 0), (20, 21), (30, 0)]


def test_vp8_when_there_is_no_h264() -> None:
    offer = re.sub("H264/90000", "H265/90000", CHROMIUM)
    source = read(offer, m1=PICTURE).sources[0]
    assert (source.codec.name, source.codec.rtx_payload_type) == ("VP8", 97)


async def test_aiortc_offer_is_read() -> None:
    peer = RTCPeerConnection()
    tracks = [AudioStreamTrack(), VideoStreamTrack()]
    for track in tracks:
        peer.addTrack(track)
    await peer.setLocalDescription(await peer.createOffer())
    offer = peer.localDescription.sdp
    plan = read(offer, m0=SOUND, m1=PICTURE)
    assert plan.wants_remb
    assert [source.codec.name for source in plan.sources] == ["opus", "H264"]
    assert all(source.encodings[0].ssrc for source in plan.sources)
    assert plan.sources[1].encodings[0].rtx_ssrc
    answer = publish.write_answer(plan, LOCAL)
    assert "goog-remb" in answer
    assert "transport-cc" not in answer
    await peer.close()


def test_whip_encoder_without_mids_is_known_by_position() -> None:
    offer = (
        "v=0\no=- 1 2 IN IP4 127.0.0.1\ns=-\nt=0 0\n"
        "m=video 9 UDP/TLS/RTP/SAVPF 106\na=ice-ufrag:abcd\na=ice-pwd:" + "x" * 24 + "\n"
        "a=fingerprint:sha-256 AA:BB\na=setup:passive\na=sendonly\na=rtcp-mux\n"
        "a=rtpmap:106 H264/90000\n"
        "a=fmtp:106 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=640028\n"
        "a=ssrc:5 cname:x\n"
    )
    plan = read(offer, m0=PICTURE)
    source = plan.sources[0]
    assert plan.peer.our_role is DtlsRole.CLIENT
    assert (source.mid, source.codec.profile, source.encodings[0].ssrc) == ("0", "640028", 5)
    assert "a=mid" not in publish.write_answer(plan, LOCAL)


BROKEN = [
    ("ice-lite twice", lambda s: s.replace("s=-", "s=-\r\na=ice-lite", 1), "ice-lite"),
    ("no bundle", lambda s: s.replace("a=group:BUNDLE 0 1 2\r\n", ""), "BUNDLE"),
    ("no rtcp-mux", lambda s: s.replace("a=rtcp-mux\r\n", ""), "rtcp-mux"),
    ("no ufrag", lambda s: re.sub("a=ice-ufrag.*\r\n", "", s), "ice-ufrag"),
    ("bad ufrag", lambda s: re.sub("a=ice-ufrag.*\r\n", "a=ice-ufrag:<b>\r\n", s), "ice-ufrag"),
    ("no pwd", lambda s: re.sub("a=ice-pwd.*\r\n", "", s), "ice-pwd"),
    ("no fingerprint", lambda s: re.sub("a=fingerprint.*\r\n", "", s), "fingerprint"),
    ("sha-1 only", lambda s: s.replace("fingerprint:sha-256", "fingerprint:sha-1"), "trusted"),
    ("bad hash", lambda s: re.sub("sha-256 .*\r\n", "sha-256 XY\r\n", s), "malformed"),
    ("no setup", lambda s: re.sub("a=setup.*\r\n", "", s), "DTLS role"),
    ("holdconn", lambda s: s.replace("setup:actpass", "setup:holdconn"), "DTLS role"),
    ("no codec", lambda s: s.replace("opus/48000", "mystery/48000"), "no codec of ours .opus"),
    ("recvonly", lambda s: s.replace("a=sendonly", "a=recvonly"), "does not send"),
    ("unencrypted", lambda s: s.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"), "not encrypted"),
    ("all rejected", lambda s: re.sub("(m=[a-z]+) 9", r"\1 0", s), "rejected"),
    ("rid alone", lambda s: re.sub("a=extmap:10 .*\r\n", "", s), "rtp-stream-id"),
]


@pytest.mark.parametrize(("change", "says"), [b[1:] for b in BROKEN], ids=[b[0] for b in BROKEN])
def test_what_is_missing_is_named(change: Callable[[str], str], says: str) -> None:
    with pytest.raises(SdpRefused, match=says):
        read(change(CHROMIUM), m0=SOUND, m1=PICTURE)


def test_source_for_an_m_line_that_is_not_there() -> None:
    with pytest.raises(SdpRefused, match="no m-line with mid '9' for source 'teacher'"):
        read(CHROMIUM, m9=PICTURE)


def test_extension_id_with_two_meanings_is_dropped() -> None:
    offer = CHROMIUM.replace(
        "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
        "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    )
    plan = read(offer, m0=SOUND, m2=SCREEN)
    assert plan.extensions.audio_level == 1
    assert plan.extensions.rid == 0


def test_data_channel_is_rejected_and_left_out_of_the_bundle() -> None:
    offer = CHROMIUM.replace("BUNDLE 0 1 2", "BUNDLE 0 1 2 3") + (
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:3\r\na=sctp-port:5000\r\n"
    )
    answer = sdp.parse(publish.write_answer(read(offer, m0=SOUND), LOCAL))
    assert answer.bundle == ("0", "1", "2")
    assert answer.media[3].rejected
