"""What the load client writes is what the media core reads, and the other way round."""

from __future__ import annotations

import pytest

from benchmarks.descriptions import LocalTransport, publish_offer, read, subscribe_answer
from mixer.model import Kind, SourceOffer
from mixer.sdp import parse
from mixer.transport.dtls import DtlsRole, Fingerprint
from mixer.transport.publish_answer import read_offer

LOCAL = LocalTransport("abcd", "p" * 24, Fingerprint("sha-256", ":".join(["AB"] * 32)))
SOURCES = {"0": SourceOffer("room", 64_000), "1": SourceOffer("teacher", 4_000_000)}

SERVER_OFFER = """v=0
o=- 1 1 IN IP4 0.0.0.0
s=-
t=0 0
a=group:BUNDLE 0 1
a=ice-lite
m=audio 7881 UDP/TLS/RTP/SAVPF 111
c=IN IP4 127.0.0.1
a=mid:0
a=sendonly
a=rtcp-mux
a=ice-ufrag:srv1
a=ice-pwd:ssssssssssssssssssssssss
a=fingerprint:sha-256 AA:BB
a=setup:{setup}
a=candidate:1 1 udp 2130706431 127.0.0.1 7881 typ host
a=candidate:2 1 tcp 2130706431 127.0.0.1 7881 typ host tcptype passive
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=extmap:9 urn:something:else
a=rtpmap:111 opus/48000/2
m=video 7881 UDP/TLS/RTP/SAVPF 98 99 96 97
c=IN IP4 127.0.0.1
a=mid:1
a=sendonly
a=rtcp-mux
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=rtpmap:98 H264/90000
a=rtpmap:99 rtx/90000
a=fmtp:99 apt=98
a=rtpmap:96 VP8/90000
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
""".replace("\n", "\r\n")


def test_the_media_core_reads_the_offer() -> None:
    offer = publish_offer(LOCAL, cname="seat", audio_ssrc=7, video_ssrc=8)
    plan = read_offer(offer, SOURCES, max_encodings=3)
    assert [(s.kind, s.codec.name, s.encodings[0].ssrc) for s in plan.sources] == [
        (Kind.AUDIO, "opus", 7),
        (Kind.VIDEO, "VP8", 8),
    ]
    assert plan.extensions.transport_cc == 3


def test_an_offered_subscription_is_answered() -> None:
    answer, agreed = subscribe_answer(SERVER_OFFER.format(setup="actpass"), LOCAL)
    assert agreed.transport.host == "127.0.0.1"
    assert agreed.transport.port == 7881
    assert agreed.transport.our_role is DtlsRole.CLIENT
    assert agreed.payload_types == {"audio": (111,), "video": (96,)}
    assert agreed.extensions == {"audio_level": 1, "transport_cc": 3}
    audio, video = parse(answer).media
    assert (audio.payload_types(), video.payload_types()) == ([111], [96, 97])
    assert audio.first("setup") == "active"
    assert audio.extension_ids() == {
        "urn:ietf:params:rtp-hdrext:ssrc-audio-level": 1,
        "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01": 3,
    }


def test_without_transport_feedback_none_is_agreed() -> None:
    offer = SERVER_OFFER.format(setup="actpass")
    answer, agreed = subscribe_answer(offer, LOCAL, transport_cc=False)
    assert "transport_cc" not in agreed.extensions
    assert "transport-wide" not in answer
    assert "transport-cc" not in answer


def test_a_server_that_begins_dtls_itself() -> None:
    answer, agreed = subscribe_answer(SERVER_OFFER.format(setup="active"), LOCAL)
    assert agreed.transport.our_role is DtlsRole.SERVER
    assert parse(answer).media[0].first("setup") == "passive"


@pytest.mark.parametrize("drop", ["a=candidate", "a=ice-ufrag", "a=rtpmap:96"])
def test_a_description_that_cannot_be_used(drop: str) -> None:
    lines = [line for line in SERVER_OFFER.split("\r\n") if not line.startswith(drop)]
    with pytest.raises(ValueError, match="server"):
        read("\r\n".join(lines).format(setup="actpass"))
