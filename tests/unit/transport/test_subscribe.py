"""M-lines over time, our offers, the answers of real peers, and players' offers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription

from mixer import sdp
from mixer.errors import SdpRefused
from mixer.model import Kind
from mixer.sdp import IceCredentials
from mixer.transport import subscribe_offer as subscribe
from mixer.transport.codecs import Codec
from mixer.transport.dtls import DtlsRole, Fingerprint
from mixer.transport.m_lines import (
    M_LINES_BEFORE_REUSE,
    MLine,
    MLines,
    SentStream,
    SsrcSource,
)
from mixer.transport.peer import LocalParameters

VECTORS = Path(__file__).parents[2] / "vectors" / "sdp"
FIREFOX = (VECTORS / "firefox_153_answer.sdp").read_bytes().decode()  # it has no OpenH264
PLAYER = (VECTORS / "chromium_156_player.sdp").read_bytes().decode()

LOCAL = LocalParameters(
    credentials=IceCredentials("ufragufrag", "p" * 24),
    fingerprint=Fingerprint("sha-256", ":".join(["AB"] * 32)),
    candidates=(("127.0.0.1", 9),),
    setup="actpass",
    session_id=1,
    session_version=1,
)


def h264(profile: str = "42e01f") -> Codec:
    return Codec("H264", 108, 90_000, 1, (("profile-level-id", profile),))


def stream(name: str, kind: Kind = Kind.VIDEO, codec: Codec | None = None) -> SentStream:
    given = codec or (h264() if kind is Kind.VIDEO else Codec("opus", 111, 48_000, 2))
    return SentStream(name, f"device-of-{name[0]}", kind, given)


def arranged(*streams: SentStream) -> MLines:
    m_lines = MLines()
    m_lines.arrange(streams, SsrcSource(1000), reuse=True)
    return m_lines


def agreed(m_lines: MLines) -> None:
    for m_line in m_lines.all:
        if m_line.stream is not None:
            m_line.offered, m_line.codec = True, m_line.stream.codec


# Lines


def test_new_streams_get_new_lines_and_need_an_offer() -> None:
    m_lines, ssrcs = MLines(), SsrcSource(1000)
    assert m_lines.arrange([stream("a1", Kind.AUDIO), stream("a2")], ssrcs, reuse=True)
    agreed(m_lines)
    assert not m_lines.arrange([stream("a2")], ssrcs, reuse=True)
    assert [m_line.mid for m_line in m_lines.all] == ["0", "1"]


def test_unwanted_stream_stays_parked_for_its_return() -> None:
    m_lines = arranged(stream("a1"), stream("b1"))
    agreed(m_lines)
    before = [(m_line.mid, m_line.ssrc) for m_line in m_lines.all]
    assert not m_lines.arrange([], SsrcSource(5000), reuse=True)
    assert not m_lines.arrange([stream("b1"), stream("a1")], SsrcSource(5000), reuse=True)
    assert [(m_line.mid, m_line.ssrc) for m_line in m_lines.all] == before


def test_line_of_a_gone_producer_is_reused_by_its_kind_with_fresh_ssrcs() -> None:
    m_lines = arranged(stream("a1", Kind.AUDIO), stream("a2"))
    agreed(m_lines)
    old = m_lines.all[1].ssrc
    m_lines.release(["a1", "a2"])
    assert m_lines.arrange([stream("b2")], SsrcSource(5000), reuse=True)
    assert [(m_line.mid, bool(m_line.stream)) for m_line in m_lines.all] == [
        ("0", False),
        ("1", True),
    ]
    assert m_lines.all[1].ssrc != old


def test_peer_that_routes_by_ssrc_gets_new_lines_until_there_are_many() -> None:
    m_lines, ssrcs = MLines(), SsrcSource(1000)
    for number in range(100):
        name = f"p{number}"
        assert m_lines.arrange([stream(name)], ssrcs, reuse=False)
        agreed(m_lines)
        m_lines.release([name])
    assert len(m_lines.all) == M_LINES_BEFORE_REUSE


def test_ssrcs_wrap_without_zero() -> None:
    ssrcs = SsrcSource(0xFFFFFFFF)
    assert [ssrcs.next() for _ in range(3)] == [0xFFFFFFFF, 1, 2]


# Offers


def test_offer_names_streams_by_device_and_reserves_rtx() -> None:
    m_lines = arranged(stream("a1", Kind.AUDIO), stream("a2"), stream("b1"))
    parsed = sdp.parse(subscribe.write_offer(m_lines.all, LOCAL))
    sound, picture, other = parsed.media
    assert parsed.bundle == ("0", "1", "2")
    assert [media.direction for media in parsed.media] == ["sendonly"] * 3
    stream_ids = [(media.first("msid") or "").split()[0] for media in parsed.media]
    assert stream_ids[0] == stream_ids[1] != stream_ids[2]
    assert picture.ssrc_groups("FID") == [[m_lines.all[1].ssrc, m_lines.all[1].rtx_ssrc]]
    assert sound.ssrcs() == [m_lines.all[0].ssrc]
    assert picture.formats == ("98", "99", "96", "97")
    assert [len(media.all("candidate")) for media in parsed.media] == [1, 1, 1]
    assert other.has("rtcp-mux")


def test_free_line_is_inactive_and_carries_no_ssrc() -> None:
    m_lines = arranged(stream("a1"))
    m_lines.release(["a1"])
    media = sdp.parse(subscribe.write_offer(m_lines.all, LOCAL)).media[0]
    assert media.direction == "inactive"
    assert media.ssrcs() == []


def test_every_h264_profile_goes_out_under_the_one_that_everybody_takes() -> None:
    m_lines = arranged(stream("a1", codec=h264("640028")), stream("b1", codec=h264("4d0032")))
    for media in sdp.parse(subscribe.write_offer(m_lines.all, LOCAL)).media:
        assert media.formats == ("98", "99", "96", "97")
        assert media.format_parameters()[98]["profile-level-id"] == "42e01f"


# Answers


async def aiortc_answer(offer: str) -> str:
    peer = RTCPeerConnection()
    await peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
    await peer.setLocalDescription(await peer.createAnswer())
    answer = peer.localDescription.sdp
    await peer.close()
    return answer


async def test_aiortc_answer_is_read() -> None:
    m_lines = arranged(stream("a1", Kind.AUDIO), stream("a2"))
    answer = subscribe.read_answer(
        await aiortc_answer(subscribe.write_offer(m_lines.all, LOCAL)), m_lines.all
    )
    assert answer.peer.our_role is DtlsRole.SERVER
    assert not answer.transport_cc
    sound, picture = answer.codecs["0"], answer.codecs["1"]
    assert sound is not None
    assert sound.payload_type == 111
    assert picture is not None
    assert (picture.name, picture.payload_type, picture.rtx_payload_type) == ("H264", 98, 99)


def answer_of(m_lines: MLines, **changes: str) -> str:
    """An answer made of our own offer: the peer takes everything."""
    text = subscribe.write_offer(m_lines.all, LOCAL).replace("a=ice-lite\r\n", "")
    text = text.replace("a=sendonly", "a=recvonly").replace("setup:actpass", "setup:active")
    for old, new in changes.items():
        text = text.replace(old, new)
    return text


def test_browser_answer_agrees_to_transport_feedback() -> None:
    m_lines = arranged(stream("a1"))
    answer = subscribe.read_answer(answer_of(m_lines), m_lines.all)
    assert answer.transport_cc
    assert answer.extensions.mid == 4


def test_refused_line_carries_nothing() -> None:
    m_lines = arranged(stream("a1"), stream("b1"))
    text = answer_of(m_lines).replace("a=recvonly", "a=inactive", 1)
    codecs = subscribe.read_answer(text, m_lines.all).codecs
    assert codecs["0"] is None
    assert codecs["1"] is not None


def test_answer_without_the_producers_codec_carries_nothing() -> None:
    m_lines = arranged(stream("a1", codec=Codec("VP8", 96, 90_000, 1)))
    text = answer_of(m_lines).replace("VP8/90000", "VP9/90000")
    assert subscribe.read_answer(text, m_lines.all).codecs == {"0": None}


@pytest.mark.parametrize(
    ("codec", "answered"),
    [
        (h264(), None),
        (Codec("VP8", 120, 90_000, 1), ("VP8", 96, 97)),
    ],
    ids=["H.264", "VP8"],
)
def test_firefox_without_h264_keeps_the_line_and_takes_vp8_on_it(
    codec: Codec, answered: tuple[str, int, int] | None
) -> None:
    m_lines = arranged(stream("a1", Kind.AUDIO), stream("a2", codec=codec))
    answer = subscribe.read_answer(FIREFOX, m_lines.all)
    picture = answer.codecs["1"]
    got = picture and (picture.name, picture.payload_type, picture.rtx_payload_type)
    assert got == answered
    assert answer.codecs["0"] is not None
    assert answer.transport_cc
    assert answer.peer.our_role is DtlsRole.SERVER


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: text + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n", "2 m-lines, the offer had 1"),
        (lambda text: text.replace("a=mid:0", "a=mid:7"), "video with mid 0 here"),
        (lambda text: text.replace("m=video", "m=audio"), "video with mid 0 here"),
        (lambda text: text.replace("setup:active", "setup:actpass9"), "DTLS role"),
    ],
    ids=["more lines", "other mid", "other kind", "no role"],
)
def test_answers_that_do_not_fit(change: Callable[[str], str], says: str) -> None:
    m_lines = arranged(stream("a1"))
    with pytest.raises(SdpRefused, match=says):
        subscribe.read_answer(change(answer_of(m_lines)), m_lines.all)


# Players


def test_player_offer_is_read_and_answered() -> None:
    offer = subscribe.read_player_offer(PLAYER)
    assert offer.receiving == {"0": Kind.AUDIO, "1": Kind.VIDEO}
    assert offer.extensions.transport_cc
    assert offer.extensions.rid == 0
    picture = stream("a2")
    codec = subscribe.player_codec(offer, "1", picture)
    assert codec is not None
    assert codec.profile == "42e01f"
    m_line = MLine("1", Kind.VIDEO, 1, 2, picture, codec, True)
    parsed = sdp.parse(subscribe.write_player_answer(offer, [m_line], LOCAL))
    sound, video = parsed.media
    assert sound.rejected
    assert parsed.bundle == ("1",)
    assert video.direction == "sendonly"
    assert video.ssrc_groups("FID") == [[1, 2]]
    assert video.formats == (str(codec.payload_type), str(codec.rtx_payload_type))


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        ("42e01f", "42e01f"),
        ("42c028", "42e01f"),
        ("4d0028", "4d001f"),
        ("64001f", "42e01f"),  # the player names no high profile
        ("640033", "42e01f"),
    ],
)
def test_a_player_is_answered_with_its_own_profile(sent: str, answered: str) -> None:
    offer = subscribe.read_player_offer(PLAYER)
    picture = stream(
        "a2",
        codec=Codec(
            "H264",
            108,
            90_000,
            1,
            (("profile-level-id", sent), ("sprop-parameter-sets", "Z00AKKoA,aO48gA==")),
        ),
    )
    codec = subscribe.player_codec(offer, "1", picture)
    assert codec is not None
    m_line = MLine("1", Kind.VIDEO, 1, 2, picture, codec, True)
    _, video = sdp.parse(subscribe.write_player_answer(offer, [m_line], LOCAL)).media
    offered = offer.description.media[1].format_parameters()[codec.payload_type]
    assert video.format_parameters()[codec.payload_type] == offered
    assert offered["profile-level-id"] == answered


def test_player_that_receives_nothing_is_refused() -> None:
    with pytest.raises(SdpRefused, match="receives nothing"):
        subscribe.read_player_offer(PLAYER.replace("a=recvonly", "a=inactive"))
