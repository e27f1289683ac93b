"""The RTSP conversation in virtual time: well-behaved cameras, and all the others."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from hardware_profiles.room_agent.sources.rtsp.authorization import Authorization, Login, strongest
from hardware_profiles.room_agent.sources.rtsp.client import State
from hardware_profiles.room_agent.sources.rtsp.events import (
    CameraPacket,
    Connect,
    Described,
    Playing,
)
from hardware_profiles.room_agent.sources.rtsp.transport import Way
from hardware_profiles.room_agent.sources.rtsp.wire import RtspRequest
from tests.unit.hardware_profiles.room_agent.scripted_camera import (
    SDP,
    URL,
    Answer,
    Camera,
    answer,
    usual,
)

LOGIN = Login("admin", "s3cret-geheim")
RTP = bytes([0x80, 96]) + bytes(10) + b"\x65picture"


def frame(channel: int, data: bytes) -> bytes:
    return b"$" + bytes([channel]) + len(data).to_bytes(2, "big") + data


def but(**others: Answer) -> Answer:
    """The usual camera with other answers to these methods."""
    return lambda request: others.get(request.method.lower(), usual)(request)


def refusing(status: str, *fields: str) -> Answer:
    return lambda request: answer(request, status, fields)


def wants_login(challenge: str, accepts: Callable[[str, RtspRequest], bool]) -> Answer:
    def say(request: RtspRequest) -> str:
        if accepts(request.one("authorization"), request):
            return usual(request)
        return answer(request, "401 Unauthorized", (f"WWW-Authenticate: {challenge}",))

    return say


# --- how it goes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", [10_000, 1, 7])
def test_from_options_to_the_first_packet_however_the_bytes_are_cut(cut: int) -> None:
    camera = Camera(cut=cut).run()
    assert camera.methods == ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"]
    assert [request.url for request in camera.asked] == [URL, URL, f"{URL}/trackID=0", f"{URL}/"]
    assert camera.asked[3].one("session") == "4711"
    assert camera.client.state is State.PLAYING
    assert Playing() in camera.told
    for at in range(0, 60, cut):
        camera.sends((frame(0, RTP) + frame(1, b"report") + frame(9, b"?"))[at : at + cut])
    assert camera.media == [CameraPacket(0, RTP), CameraPacket(0, b"report", control=True)]
    assert camera.client.dropped == {"unknown channel": 1}


def test_several_tracks_each_on_its_channels() -> None:
    camera = Camera(tracks=(0, 1)).run()
    assert camera.methods == ["OPTIONS", "DESCRIBE", "SETUP", "SETUP", "PLAY"]
    assert camera.asked[3].one("transport").endswith("interleaved=2-3")
    assert camera.asked[3].one("session") == "4711"
    assert camera.asked[3].url == f"{URL}/trackID=1"
    assert camera.sends(frame(2, RTP)).media == [CameraPacket(1, RTP)]


def test_the_cameras_own_channels_are_taken_but_not_one_for_two() -> None:
    def setup(request: RtspRequest) -> str:
        return answer(request, fields=("Transport: RTP/AVP/TCP;interleaved=6-7", "Session: 1"))

    camera = Camera(but(setup=setup)).run()
    assert camera.sends(frame(6, RTP)).media == [CameraPacket(0, RTP)]
    assert "one channel for two tracks" in Camera(but(setup=setup), tracks=(0, 1)).run().error


def test_by_udp_only_the_camera_itself_is_heard() -> None:
    camera = Camera(way=Way(6000)).run()
    assert camera.asked[2].one("transport") == "RTP/AVP;unicast;client_port=6000-6001"
    camera.client.handle_datagram(0, RTP, "10.0.0.9", camera.now)
    camera.client.handle_datagram(0, RTP, "10.0.0.5", camera.now)
    camera.client.handle_datagram(0, b"report", "10.0.0.5", camera.now, control=True)
    assert camera.run().media == [CameraPacket(0, RTP), CameraPacket(0, b"report", control=True)]
    assert camera.client.dropped == {"foreign": 1}


def test_the_session_is_kept_alive_at_half_its_time() -> None:
    camera = Camera().run()
    for second in range(1, 41):
        camera.until(100.0 + second).sends(frame(0, RTP))
    assert camera.methods[4:] == ["GET_PARAMETER", "GET_PARAMETER"]
    assert camera.asked[4].one("session") == "4711"
    assert camera.error == ""


def test_a_camera_that_refuses_get_parameter_is_kept_alive_by_options() -> None:
    camera = Camera(but(get_parameter=refusing("501 Not Implemented"))).run()
    for second in range(1, 41):
        camera.until(100.0 + second).sends(frame(0, RTP))
    assert camera.methods[4:] == ["GET_PARAMETER", "OPTIONS"]


def test_it_says_farewell_in_its_session() -> None:
    assert b"TEARDOWN" in Camera().run().client.farewell()
    assert Camera(but(describe=refusing("404 Not Found"))).run().client.farewell() == b""


def test_a_camera_that_asks_is_answered() -> None:
    camera = Camera().run()
    camera.sends(b"OPTIONS * RTSP/1.0\r\nCSeq: 7\r\n\r\n")
    camera.sends(b"RECORD x RTSP/1.0\r\nCSeq: 8\r\n\r\n")
    assert camera.error == ""


# --- who asks -------------------------------------------------------------------------------------


def digest_of(challenge: str) -> Callable[[str, RtspRequest], bool]:
    """Whether an answer is right, reckoned anew."""

    def accepts(given: str, request: RtspRequest) -> bool:
        known = strongest([challenge])
        assert known is not None
        fresh = Authorization(known, LOGIN, Random(1))
        return any(fresh.value(request.method, request.url) == given for _ in range(9))

    return accepts


@pytest.mark.parametrize(
    ("challenge", "scheme"),
    [
        ('Digest realm="cam", nonce="n1"', "Digest"),
        ('Digest realm="cam", nonce="n1", qop="auth,auth-int", opaque="x"', "Digest"),
        ('Digest realm="cam", nonce="n1", algorithm=SHA-256, qop=auth', "Digest"),
        ('Digest realm="c,a=\\"m", nonce="n1", algorithm=MD5-sess, qop="auth"', "Digest"),
        ('Basic realm="cam", Digest realm="cam", nonce="n1"', "Digest"),
        ('Basic realm="cam"', "Basic"),
    ],
)
def test_a_login_is_given_when_it_is_asked_for(challenge: str, scheme: str) -> None:
    camera = Camera(wants_login(challenge, digest_of(challenge)), login=LOGIN).run()
    assert camera.methods == ["OPTIONS", "OPTIONS", "DESCRIBE", "SETUP", "PLAY"]
    assert camera.client.state is State.PLAYING
    assert [request.one("authorization")[: len(scheme)] for request in camera.asked[1:]] == [
        scheme
    ] * 4
    assert not camera.asked[0].one("authorization")
    assert all("geheim" not in str(request) for request in camera.asked)


def test_a_nonce_that_has_grown_old_is_changed_for_the_new_one() -> None:
    nonces = iter(range(100))
    now = 0

    def say(request: RtspRequest) -> str:
        nonlocal now
        if f'nonce="n{now}"' in request.one("authorization"):
            return usual(request)
        now = next(nonces)
        challenge = f'WWW-Authenticate: Digest realm="c", nonce="n{now}", stale=true'
        return answer(request, "401 Unauthorized", (challenge,))

    camera = Camera(say, login=LOGIN).run()
    now = -1  # every nonce is old now
    for second in range(1, 41):
        camera.until(100.0 + second).sends(frame(0, RTP))
    assert camera.error == ""
    assert camera.methods[-3:] == ["GET_PARAMETER", "GET_PARAMETER", "GET_PARAMETER"]


@pytest.mark.parametrize(
    ("challenge", "most"),
    [
        ('Digest realm="c", nonce="{n}"', 2),
        ('Digest realm="c", nonce="{n}", stale=true', 3),
        ('Digest realm="c", nonce="same", stale=true', 2),
        ('Basic realm="c"', 2),
        ('Digest realm="c", nonce="1", algorithm=SHA-1024', 1),
        ("Negotiate", 1),
        ("", 1),
    ],
)
def test_endless_401_is_believed(challenge: str, most: int) -> None:
    numbers = iter(range(1000))

    def say(request: RtspRequest) -> str:
        field = f"WWW-Authenticate: {challenge.format(n=next(numbers))}"
        return answer(request, "401 Unauthorized", (field,))

    camera = Camera(say, login=LOGIN).run()
    assert len(camera.asked) == most
    assert "refuses its user or password" in camera.error
    assert "wants a user and a password" in Camera(say).run().error


def test_a_login_never_goes_to_another_host() -> None:
    def say(request: RtspRequest) -> str:
        if request.url == URL:
            return answer(request, "302 Found", ("Location: rtsp://10.6.6.6/main",))
        return answer(request, "401 Unauthorized", ('WWW-Authenticate: Basic realm="c"',))

    camera = Camera(say, login=LOGIN).run()
    assert camera.connects[-1] == Connect("10.6.6.6", 554)
    assert not any(request.one("authorization") for request in camera.asked)
    assert "wants a user and a password" in camera.error


# --- how it fails ---------------------------------------------------------------------------------


def test_redirects_are_followed_and_not_for_ever() -> None:
    def say(request: RtspRequest) -> str:
        if request.url == URL and request.method == "DESCRIBE":
            return answer(request, "301 Moved", ("Location: rtsp://u:p@10.0.0.5:8554/other",))
        return usual(request)

    camera = Camera(say).run()
    assert camera.connects == [Connect("10.0.0.5", 554), Connect("10.0.0.5", 8554)]
    assert camera.client.state is State.PLAYING
    assert all("u:p" not in request.url for request in camera.asked)
    endless = Camera(refusing("302 Found", f"Location: {URL}")).run()
    assert len(endless.connects) == 4
    assert "without end" in endless.error


def test_a_camera_may_send_us_elsewhere_in_the_middle() -> None:
    camera = Camera().run()
    camera.sends(b"REDIRECT x RTSP/1.0\r\nCSeq: 7\r\nLocation: rtsp://10.0.0.5/sub\r\n\r\n")
    assert len(camera.connects) == 2
    assert camera.client.state is State.PLAYING


@pytest.mark.parametrize(
    ("say", "says"),
    [
        (but(describe=refusing("404 Not Found")), "no such stream; check the address"),
        (but(setup=refusing("461 Unsupported Transport")), 'transport = "udp"'),
        (but(setup=refusing("453 Not Enough Bandwidth")), "no capacity"),
        (but(play=refusing("500 Oops")), "answers PLAY with 500"),
        (but(options=lambda _: b"HTTP/1.1 400 Bad RtspRequest\r\n\r\n"), "another protocol"),
        (but(options=lambda _: b"\x16\x03\x01\x02"), "neither a message nor a frame"),
        (but(options=lambda _: b"RTSP/1.0 abc\r\n\r\n"), "an answer without a status"),
        (but(options=lambda _: b"R" * 20_000), "a header without end"),
        (but(describe=lambda r: answer(r, fields=("Content-Length: -1",))), "a length"),
        (but(describe=lambda r: answer(r, fields=("Content-Length: 99999999",))), "without end"),
        (but(describe=lambda r: answer(r, fields=("Content-Length: ９",))), "a length"),
        (but(setup=lambda r: answer(r, fields=("Session: a b",))), "session's name"),
        (
            but(setup=lambda r: answer(r, fields=("Transport: x;interleaved=300-301",))),
            "a channel that is none",
        ),
        (refusing("302 Found", "Location: file:///etc/passwd"), "not rtsp://"),
        (refusing("302 Found", "Location: rtsp://h:99999/"), "an address that is none"),
    ],
)
def test_what_a_camera_may_not_answer(say: Answer, says: str) -> None:
    camera = Camera(say).run()
    assert says in camera.error
    assert camera.client.state is State.OVER
    assert camera.client.timer() is None
    before = len(camera.told)
    camera.sends(frame(0, RTP))
    camera.client.handle_closed(camera.now)
    assert len(camera.run().told) == before  # it is over


@pytest.mark.parametrize("method", ["options", "describe", "setup", "play"])
def test_a_camera_that_does_not_answer_is_lost_after_five_seconds(method: str) -> None:
    camera = Camera(but(**{method: lambda _: ""})).run()
    assert camera.until(104.9).error == ""
    camera.sends(b"RTSP/1.0 100 Continue\r\nCSeq: 1\r\n\r\nRTSP/1.0 200 OK\r\nCSeq: 99\r\n\r\n")
    assert "does not answer" in camera.until(105.1).error


def test_a_camera_that_sends_nothing_is_lost_after_three_seconds() -> None:
    """Also where the connection is half open, and where it goes on answering."""
    camera = Camera().run()
    camera.until(102.0).sends(frame(0, RTP))
    camera.until(104.0).sends(frame(1, b"a report alone is no picture"))
    assert camera.until(104.9).error == ""
    assert "it sends nothing" in camera.until(105.1).error


@pytest.mark.parametrize(("channel", "lost"), [(0, False), (2, True)])
def test_a_sound_that_goes_on_hides_no_picture_that_hangs(channel: int, *, lost: bool) -> None:
    camera = Camera(tracks=(0, 1)).run()
    for second in range(1, 8):
        camera.until(100.0 + second)
        camera.sends(b"$" + bytes((channel, 0, 12)) + bytes(12))
    assert bool(camera.error) is lost


def test_the_end_without_an_error_is_a_loss() -> None:
    camera = Camera().run()
    camera.client.handle_closed(camera.now)
    assert "closed the connection" in camera.run().error


def test_a_session_forgotten_is_a_loss_and_an_unanswered_keep_alive_is_none() -> None:
    forgotten = Camera(but(get_parameter=refusing("454 Session Not Found"))).run()
    silent = Camera(but(get_parameter=lambda _: "")).run()
    for second in range(1, 200):
        for camera in (forgotten, silent):
            camera.until(100.0 + second).sends(frame(0, RTP))
    assert "forgotten" in forgotten.error
    assert silent.error == ""


def test_a_frame_that_lies_about_its_length_ends_the_connection() -> None:
    camera = Camera().run()
    camera.sends(b"$\x00\x00\x04" + RTP)
    assert camera.media == [CameraPacket(0, RTP[:4])]
    assert "neither a message nor a frame" in camera.error


def test_a_description_without_parameter_sets_or_tracks() -> None:
    bare = SDP.replace("sprop-parameter-sets", "sprop")
    camera = Camera(but(describe=lambda r: answer(r, body=bare))).run()
    assert camera.client.state is State.PLAYING
    (described,) = [one for one in camera.told if isinstance(one, Described)]
    assert [(t.codec, t.parameter_sets) for t in described.description.tracks] == [
        ("H264", ()),
        ("PCMA", ()),
    ]
