"""ONVIF cameras that answer anything. The invariant: whatever bytes come in whatever answer, the
conversation ends within its number of questions, with what became of each stream or an `OnvifError`
whose words have nothing of the answer, and what is sent back to the camera is XML.
"""

from __future__ import annotations

import random
from xml.parsers import expat

import pytest

from hardware_profiles.room_agent.sources.onvif.conversation import StreamWish, conversation
from hardware_profiles.room_agent.sources.onvif.envelope import envelope
from hardware_profiles.room_agent.sources.onvif.errors import OnvifError
from hardware_profiles.room_agent.sources.onvif.media import MOST_PROFILES
from hardware_profiles.room_agent.sources.rtsp.authorization import Login
from tests.fuzz.rounds import SEED, rounds
from tests.onvif_camera import PASSWORD, USER, EncoderSetting, FakeOnvif, Make

ODD = [
    b"<!DOCTYPE a>", b"<!ENTITY b 'c'>", b"&lt;", b"&#x41;", b"<![CDATA[", b"]]>", b"<?x y?>",
    b"-1", b"1e400", b"nan", b"999999999999999999999", b"<tt:H264>", b"</tt:H264>", b'="', b"\0",
    b"<env:Fault>", "课".encode(), b"\xff", b"http://10.0.0.9/x", b"xmlns:tt='y' ", b" token=''",
]  # fmt: skip
MOST_QUESTIONS = MOST_PROFILES + 8
URLS = {"rtsp://127.0.0.1/main": True, "rtsp://127.0.0.1/s": False}
WISHES = [StreamWish(url, plain) for url, plain in URLS.items()]


def damaged(rng: random.Random, data: bytes) -> bytes:
    for _ in range(rng.choice((0, 0, 0, 1, 1, 2, 4))):
        at, length = rng.randrange(len(data) + 1), rng.randrange(30)
        match rng.randrange(4):
            case 0:
                data = data[:at] + data[at + length :]
            case 1:
                data = data[:at] + rng.choice(ODD) + data[at:]
            case 2:
                # A number or a name becomes another one, and the XML stays whole.
                data = data.replace(rng.choice((b"100", b"25", b"High", b"VE1")), rng.choice(ODD))
            case _:
                data = data[:at] + data[at : at + 10 * length] * 2 + data[at + length :]
    return data


class Unsure(FakeOnvif):
    """Takes any setting: what is asked of it may be made of its own nonsense."""

    def answer(self, path: str, request: str) -> tuple[int, bytes]:
        expat.ParserCreate(namespace_separator=" ").Parse(request, True)
        if "<SetVideoEncoderConfiguration" in request:
            return 200, self._wrapped("<trt:SetVideoEncoderConfigurationResponse/>")
        if "<GetStreamUri" in request:
            request = "<s:Body><GetStreamUri <ProfileToken>P_1</ProfileToken>"
            return 200, self._wrapped(self._GetStreamUri(request))
        return super().answer(path, request)


@pytest.mark.timeout(3600)
def test_a_conversation_ends_whatever_is_answered() -> None:
    rng = random.Random(SEED)
    ended = {"told": 0, "refused": 0}
    for number in range(rounds(400)):
        camera = Unsure(rng.choice(list(Make)), [EncoderSetting("/main", gop=100)])
        asked = conversation(WISHES)
        question = next(asked)
        try:
            for _ in range(MOST_QUESTIONS):
                login = None if question.camera_time is None else Login(USER, PASSWORD)
                when = question.camera_time or 0.0
                request = envelope(question.body, login, nonce=b"n" * 16, camera_time=when)
                _, answer = camera.answer(question.path, request.decode())
                question = asked.send(damaged(rng, answer))
            pytest.fail(f"round {number}: it asks for ever")
        except StopIteration as done:
            assert len(done.value) == len(WISHES)
            ended["told"] += 1
        except OnvifError as error:
            assert PASSWORD not in f"{error}{error.message_zh}" and "tt:" not in str(error)
            ended["refused"] += 1
    assert min(ended.values()) > 0, ended
