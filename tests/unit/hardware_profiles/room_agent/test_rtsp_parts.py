"""The RTSP client's parts: RFC 7616's examples, addresses as cameras mean them, descriptions."""

from __future__ import annotations

import re
from random import Random

import pytest

from hardware_profiles.room_agent.sources.rtsp.address import StreamAddress, control_url
from hardware_profiles.room_agent.sources.rtsp.authorization import (
    Authorization,
    Login,
    strongest,
)
from hardware_profiles.room_agent.sources.rtsp.description import base_url, read_description
from hardware_profiles.room_agent.sources.rtsp.errors import NotRtsp
from hardware_profiles.room_agent.sources.rtsp.transport import session_of
from hardware_profiles.room_agent.sources.rtsp.wire import MessageReader, RtspResponse


class KnownNonce(Random):
    """The client nonce of RFC 2617's example."""

    def getrandbits(self, k: int) -> int:
        return 0x0A4F113B


def test_the_example_of_rfc_2617() -> None:
    challenge = strongest(
        [
            'Digest realm="testrealm@host.com", qop="auth,auth-int", '
            'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"'
        ]
    )
    assert challenge is not None
    given = Authorization(challenge, Login("Mufasa", "Circle Of Life"), KnownNonce())
    value = given.value("GET", "/dir/index.html")
    # The same with the client nonce as we write it: 16 digits.
    assert 'cnonce="000000000a4f113b"' in value
    assert re.search(r'response="([0-9a-f]{32})"', value)


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        # RFC 7616 §3.9.1: MD5 and SHA-256 over the same request.
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_examples_of_rfc_7616(algorithm: str, response: str) -> None:
    challenge = strongest(
        [
            f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, '
            'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", '
            'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
        ]
    )
    assert challenge is not None
    given = Authorization(challenge, Login("Mufasa", "Circle of Life"), Random(1))
    given._client_nonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    assert f'response="{response}"' in given.value("GET", "/dir/index.html")


def test_a_login_prints_as_nothing() -> None:
    assert repr(Login("admin", "geheim")) == "Login()"


@pytest.mark.parametrize(
    ("offered", "scheme", "algorithm"),
    [
        (['Basic realm="x"', 'Digest realm="x", nonce="1"'], "digest", "MD5"),
        (
            ['Digest realm="x", nonce="1", algorithm=MD5',
             'Digest realm="x", nonce="1", algorithm=SHA-256'],
            "digest", "SHA-256",
        ),
        (['Digest realm="x", nonce="1", qop=auth-int', "Basic realm=x"], "basic", "MD5"),
        (['Basic realm="a Digest, x=\\"1"'], "basic", "MD5"),
    ],
)  # fmt: skip
def test_the_strongest_is_taken(offered: list[str], scheme: str, algorithm: str) -> None:
    found = strongest(offered)
    assert found is not None
    assert (found.scheme, found.algorithm) == (scheme, algorithm)


@pytest.mark.parametrize(
    ("base", "control", "url"),
    [
        ("rtsp://h/cam", "*", "rtsp://h/cam"),
        ("rtsp://h/cam", "", "rtsp://h/cam"),
        ("rtsp://h/cam", "trackID=1", "rtsp://h/cam/trackID=1"),
        ("rtsp://h/cam/", "trackID=1", "rtsp://h/cam/trackID=1"),
        ("rtsp://h/cam?channel=1&subtype=0", "t=1", "rtsp://h/cam?channel=1&subtype=0/t=1"),
        ("rtsp://h/cam", "rtsp://h:8554/x/y", "rtsp://h:8554/x/y"),
        ("rtsp://h/cam", "rtsp://user:geheim@h/x", "rtsp://h/x"),
    ],
)
def test_what_a_track_is_controlled_by(base: str, control: str, url: str) -> None:
    assert control_url(base, control) == url


def test_addresses() -> None:
    assert StreamAddress.parse("rtsp://u:p%40@[fe80::1]:8554/a?b=1") == StreamAddress(
        "fe80::1", 8554, "rtsp://[fe80::1]:8554/a?b=1"
    )
    assert StreamAddress.parse("RTSP://h").port == 554
    for wrong in ("http://h/", "rtsp://", "rtsp://h:0/", "rtsp://h/\r\nX: y", "rtsp://h/课", ""):
        with pytest.raises(NotRtsp) as caught:
            StreamAddress.parse(wrong)
        assert "课" not in caught.value.message_en and "X: y" not in caught.value.message_en
    assert base_url("rtsp://h/a", "", "") == "rtsp://h/a"
    assert base_url("rtsp://h/a", "rtsp://u:p@h/b/", "") == "rtsp://h/b/"
    assert base_url("rtsp://h/a", "nonsense", "rtsp://h/c") == "rtsp://h/c"


def test_descriptions_with_all_that_cameras_put_into_them() -> None:
    body = (
        "\ufeffv=0\na=control:rtsp://h/whole\r"
        "m=application 0 RTP/AVP 107\na=rtpmap:107 vnd.onvif.metadata/90000\na=control:meta\n"
        "m=video 0 RTP/SAVP 96 97\na=rtpmap:97 H265/90000\na=rtpmap:96 h264/90000\n"
        "a=fmtp:96 profile-level-id=42e01f; Sprop-Parameter-Sets=Z0LAHg==,!!,aM4=,AAAA\n"
        "m=audio 0 UDP 0\na=control:lost\nm=audio 0 RTP/AVP 9\nm=video x\nm=video 0 RTP/AVP ９６\n"
        "no line\na=\n" + "m=audio 0 RTP/AVP 0\n" * 40
    )
    found = read_description(body.encode(), "rtsp://h/x")
    assert found.control == "rtsp://h/whole"
    assert [track.codec for track in found.tracks[:3]] == ["VND.ONVIF.METADATA", "H264", "G722"]
    assert found.tracks[1].parameter_sets == (b"\x67\x42\xc0\x1e", b"\x68\xce")
    assert found.tracks[2].control == "rtsp://h/x"
    assert len(found.tracks) == 16


def test_sessions() -> None:
    assert session_of("abc") == ("abc", 60)
    assert session_of(" abc ; timeout = 30") == ("abc", 30)
    assert session_of("abc;timeout=0") == ("abc", 4)
    assert session_of("abc;timeout=99999999999") == ("abc", 120)
    assert session_of("abc;timeout=soon") == ("abc", 60)


def test_folded_and_repeated_header_fields() -> None:
    text = b"RTSP/1.0 200 OK\r\nWWW-Authenticate: Basic\r\nwww-authenticate: Digest\r\n x=1\r\n\r\n"
    (found,) = MessageReader().feed(b"\r\n" + text)
    assert isinstance(found, RtspResponse)
    assert found.all("www-authenticate") == ("Basic", "Digest x=1")
