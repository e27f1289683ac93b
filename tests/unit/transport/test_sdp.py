"""The grammar of descriptions: what is read, what is refused and how it is said."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mixer import sdp
from mixer.errors import SdpRefused

HEAD = "v=0\r\no=- 42 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"


def section(*lines: str, kind: str = "video", formats: str = "96 97") -> sdp.MediaSection:
    text = HEAD + f"m={kind} 9 UDP/TLS/RTP/SAVPF {formats}\r\n"
    return sdp.parse(text + "".join(f"{line}\r\n" for line in lines)).media[0]


def test_session_values_reach_every_section_that_lacks_them() -> None:
    read = sdp.parse(
        HEAD
        + "a=group:BUNDLE a b\r\na=ice-ufrag:session\r\na=setup:actpass\r\n"
        + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:a\r\n"
        + "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:b\r\na=ice-ufrag:own\r\na=bundle-only\r\n"
    )
    assert read.session_id == "42"
    assert read.bundle == ("a", "b")
    assert [media.first("ice-ufrag") for media in read.media] == ["session", "own"]
    assert [media.first("setup") for media in read.media] == ["actpass", "actpass"]
    assert [media.rejected for media in read.media] == [False, False]


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_line_ends(end: str) -> None:
    assert sdp.parse(f"v=0{end}m=audio 9 UDP/TLS/RTP/SAVPF 111{end}").media[0].kind == "audio"


def test_formats_parameters_and_feedback() -> None:
    media = section(
        "a=rtpmap:96 VP8/90000",
        "a=rtpmap:97 rtx/90000",
        "a=fmtp:97 apt=96; rtx-time=200",
        "a=rtcp-fb:96 nack pli",
        "a=rtcp-fb:* ccm fir",
    )
    assert media.rtpmaps()[96] == sdp.RtpMap(96, "VP8", 90_000, 1)
    assert media.format_parameters() == {97: {"apt": "96", "rtx-time": "200"}}
    assert media.feedback() == {96: {"nack pli", "ccm fir"}, 97: {"ccm fir"}}
    assert media.direction == "sendrecv"


@pytest.mark.parametrize(
    ("value", "direction", "rids"),
    [
        ("send q;h;f", "send", ["q", "h", "f"]),
        ("recv a send ~q;h,x", "send", ["q", "h"]),
        ("recv a;b", "send", []),
        ("send", "send", []),
    ],
)
def test_simulcast(value: str, direction: str, rids: list[str]) -> None:
    assert section(f"a=simulcast:{value}").simulcast_rids(direction) == rids


def test_ssrcs_and_groups() -> None:
    media = section("a=ssrc-group:FID 1 2", "a=ssrc:1 cname:x", "a=ssrc:1 msid:-", "a=ssrc:2 c:x")
    assert media.ssrcs() == [1, 2]
    assert media.ssrc_groups("FID") == [[1, 2]]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "v=0"),
        ("x" * 70_000, "longer than 65536 characters"),
        (HEAD, "no m-line"),
        (HEAD + "nonsense\r\n", "line 5"),
        (HEAD + "m=video\r\n", "m-line 0 is malformed"),
        (HEAD + "a=" + "x" * 3000 + "\r\nm=audio 9 X 0\r\n", "line 5 is longer"),
        (HEAD + "m=audio 9 RTP/SAVPF 0\r\n" * 161, "more than 160 m-lines"),
        (HEAD + "m=audio 9 RTP/SAVPF 0\r\n" + "a=x\r\n" * 601, "too many attributes"),
        (HEAD + "m=audio 9 RTP/SAVPF 0\r\na=mid:0\r\n" * 2, "same mid"),
        (HEAD + "m=audio 9 RTP/SAVPF 0\r\na=mid:<b>\r\n", "its mid is not"),
    ],
    ids=lambda value: value[:12] if isinstance(value, str) else None,
)
def test_refusals_name_the_fault(text: str, says: str) -> None:
    with pytest.raises(SdpRefused, match=says):
        sdp.parse(text)


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("a=rtpmap:96", lambda media: media.rtpmaps()),
        ("a=rtpmap:999 VP8/90000", lambda media: media.rtpmaps()),
        ("a=fmtp:x apt=1", lambda media: media.format_parameters()),
        ("a=rtcp-fb:200 nack", lambda media: media.feedback()),
        ("a=extmap:0 urn:x", lambda media: media.extension_ids()),
        ("a=extmap:1", lambda media: media.extension_ids()),
        ("a=ssrc:4294967296 cname:x", lambda media: media.ssrcs()),
        ("a=ssrc:-1 cname:x", lambda media: media.ssrcs()),
        ("a=ssrc:١ cname:x", lambda media: media.ssrcs()),
        ("a=ssrc-group:FID 1 y", lambda media: media.ssrc_groups("FID")),
        ("a=ssrc-group:", lambda media: media.ssrc_groups("FID")),
        ("a=simulcast:send q;<", lambda media: media.simulcast_rids("send")),
    ],
)
def test_malformed_values_name_their_m_line(
    line: str, read: Callable[[sdp.MediaSection], object]
) -> None:
    media = section("a=mid:7", line)
    with pytest.raises(SdpRefused, match=r"m-line 0 \(mid 7\), video"):
        read(media)


def test_payload_types_must_be_numbers() -> None:
    with pytest.raises(SdpRefused, match="payload type"):
        section(formats="96 webrtc").payload_types()
