"""Whatever arrives, every parser of signaling raises its one documented refusal, or nothing.

And a server that is sent it all goes on with every lesson as if nothing had been.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st

from mixer.sdp import IceCredentials
from signaling.app_router import routes
from signaling.driver import LessonService
from signaling.errors import LessonRefusal, StateUnreadable
from signaling.http_session import has_sound, name_sources
from signaling.lesson import Lesson
from signaling.lesson.sdp import offered_m_lines
from signaling.protocol import messages as m
from signaling.protocol.messages import CloseCode, Source
from signaling.sdp_fragment import credentials_of, fragment_of, with_credentials
from signaling.websocket import parse
from tests.fuzz.rounds import SEED, rounds
from tests.sim.virtual_time import virtually
from tests.unit.signaling.asgi_socket import AsgiSocket
from tests.unit.signaling.desk import Desk
from tests.unit.signaling.sample_lesson import LESSON, SETTINGS, START, offer_of, plan, publish
from tests.unit.signaling.service import World

SEEDS = range(8)
ROUNDS = rounds(4000)
OFFERS = [
    path.read_bytes().decode()
    for path in sorted((Path(__file__).parents[2] / "vectors" / "sdp").rglob("*.sdp"))
]
VALID: list[m.ClientMessage] = [
    m.Join(token=f"{LESSON}/lead"),
    publish(Source.TEACHER, Source.ROOM),
    m.Subscribe(wants=[m.Want(producer_id="p1", width=640, height=360)]),
    m.SubscribeAnswer(sdp="v=0"),
    m.Mute(muted=True),
    m.MuteSeat(seat_id="room-1", muted=True),
    m.MuteAll(muted=True),
    m.GiveFloor(seat_id="room-1"),
    m.SetSpotlight(seat_id="room-1", source=Source.BOARD),
    m.SetLayout(layout=m.Layout.WALL),
    m.SetPlaces(places=[m.PicturePlace(seat_id="room-1")]),
    m.SetDirecting(directing=m.Directing.MANUAL),
    m.SendChat(text="hello"),
    m.Unpublish(source=Source.ROOM),
    m.TakeFloor(),
    m.RaiseHand(),
    m.Ping(),
]
ODD: list[object] = [
    None, True, -1, 1e308, 2**70, "", "\x00", "课" * 400, "a" * 5000, [], {}, [[[[]]]],
    {"type": "join"}, "\u202e", "<script>", "../../etc", "p" * 65, float("1e-320"),
]  # fmt: skip

json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def mutated(rng: random.Random, value: object) -> object:
    """A message with something odd somewhere in it."""
    if isinstance(value, dict) and value and rng.random() < 0.8:
        changed = dict(value)
        key = rng.choice(list(changed))
        match rng.randrange(4):
            case 0:
                del changed[key]
            case 1:
                changed[rng.choice(["x", "type", "request_id", "seat_id", ""])] = rng.choice(ODD)
            case _:
                changed[key] = mutated(rng, changed[key])
        return changed
    if isinstance(value, list) and value and rng.random() < 0.5:
        return [mutated(rng, item) for item in value] * rng.choice([1, 1, 200])
    return rng.choice(ODD)


def hostile_texts(seed: int, count: int) -> Iterator[str]:
    """Mutated messages, and texts that are broken as JSON."""
    rng = random.Random(seed)
    for _message in range(count):
        value = mutated(rng, json.loads(rng.choice(VALID).model_dump_json()))
        text = json.dumps(value)
        if rng.random() < 0.3 and text:
            at = rng.randrange(len(text))
            text = text[:at] + rng.choice(["", "{", '"', "\x00", "\\ud800", "}"]) + text[at + 1 :]
        yield text


# --- parsers --------------------------------------------------------------------------------------


def try_parse(text: str | bytes) -> None:
    try:
        message = parse(text, max_bytes=131_072)
    except LessonRefusal as refusal:
        assert refusal.code in ("malformed", "unknown-type", "too-large")
    else:
        again = m.client_message.dump_json(message)
        assert m.client_message.validate_json(again) == message


@given(st.text() | st.binary() | json_values.map(json.dumps))
def test_any_text_is_a_message_or_refused(text: str | bytes) -> None:
    try_parse(text)


@pytest.mark.timeout(3600)
def test_mutated_messages_are_messages_or_refused() -> None:
    for text in hostile_texts(SEED, ROUNDS):
        try_parse(text)


LINE = st.sampled_from(
    ["v=0", "m=audio 9 X 0", "m=video 9 X 0", "m=", "a=mid:0", "a=mid:", "a=recvonly", "a=sendonly",
     "a=ice-ufrag:abcd", "a=ice-pwd:0123456789012345678901", "a=ice-ufrag:", "a=candidate:1"]
)  # fmt: skip
SDP = st.text() | st.lists(LINE | st.text(max_size=10), max_size=40).map("\r\n".join)


def try_description(sdp: str) -> None:
    for read in (
        offered_m_lines,
        has_sound,
        credentials_of,
        lambda text: name_sources(text, Source.BOARD, with_sound=True),
    ):
        try:
            read(sdp)
        except LessonRefusal as refusal:
            assert refusal.code in ("bad-sdp", "wrong-kind")
    fragment_of(sdp)
    with_credentials(sdp, FRESH)


FRESH = credentials_of(offer_of(Source.ROOM)) or IceCredentials("", "")


@given(SDP | SDP.map(lambda text: "v=0\r\n" + text))
def test_any_description_is_read_or_refused(sdp: str) -> None:
    try_description(sdp)


@pytest.mark.timeout(3600)
def test_damaged_descriptions_are_read_or_refused() -> None:
    """Each is an input to six readers."""
    rng = random.Random(SEED)
    for _description in range(ROUNDS // 6):
        lines = rng.choice(OFFERS).split("\r\n")
        for _fault in range(rng.randint(1, 5)):
            at = rng.randrange(len(lines))
            match rng.randrange(4):
                case 0:
                    del lines[at : at + rng.randint(1, 20)]
                    lines = lines or [""]
                case 1:
                    lines[at] = lines[at][: rng.randrange(20)]
                case 2:
                    lines.insert(at, rng.choice(["m=", "m=audio 9 X 0", "a=mid:", "a=ice-pwd:x"]))
                case _:
                    lines[at] += rng.choice(["\0", "\n", " ", "课", "=", "a" * 3000])
        try_description("\r\n".join(lines))


def busy_state() -> str:
    desk = Desk()
    lead, room = desk.join("lead"), desk.join("room-1")
    desk.join("observer-1")
    room.say(m.RaiseHand())
    lead.say(m.SetSpotlight(seat_id="room-1"))
    lead.say(m.SendChat(text="hello"))
    return desk.lesson.save()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_damaged_saved_lesson_is_restored_or_named_unreadable(seed: int) -> None:
    rng = random.Random(seed)
    saved = json.loads(busy_state())
    for _damage in range(200):
        text = json.dumps(mutated(rng, saved))
        try:
            lesson, _effects = Lesson.restore(plan(), SETTINGS, text, START)
        except StateUnreadable:
            continue
        lesson.view()
        lesson.handle_timer(START + 100_000)
        lesson.save()


# --- the whole server -----------------------------------------------------------------------------


def app_of(service: LessonService) -> FastAPI:
    app = FastAPI()
    app.include_router(routes(service))
    return app


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("seat", ["lead", "room-1"])
def test_hostile_clients_change_nothing_for_the_others(seed: int, seat: str) -> None:
    async def main() -> None:
        async with World().serving() as service:
            app = app_of(service)
            async with AsgiSocket(app) as honest:
                honest.send({"type": "join", "token": f"{LESSON}/room-2"})
                await honest.until("welcome")
                texts = list(hostile_texts(seed, 300))
                rng = random.Random(seed)
                while texts:
                    async with AsgiSocket(app) as hostile:
                        if rng.random() < 0.8:
                            hostile.send({"type": "join", "token": f"{LESSON}/{seat}"})
                            await hostile.until("welcome")
                        while texts and hostile.close_code is None:
                            hostile.send_text(texts.pop())
                            hostile.send({"type": "ping", "request_id": "still here"})
                            while isinstance(answer := await hostile.receive(), dict):
                                if answer.get("request_id") == "still here":
                                    break
                            assert hostile.close_code != CloseCode.LESSON_FAILED
                    honest.send({"type": "ping"})
                    await honest.until("pong")
            assert LESSON in service.live(), "nobody may end the lesson by nonsense"

    virtually(main)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(max_size=200) | st.text(max_size=200), max_size=20))
def test_bytes_and_texts_at_an_open_socket(items: list[bytes | str]) -> None:
    async def main() -> None:
        async with World().serving() as service, AsgiSocket(app_of(service)) as socket:
            for item in items:
                if isinstance(item, bytes):
                    socket.send_bytes(item)
                else:
                    socket.send_text(item)
            socket.send({"type": "join", "token": f"{LESSON}/room-1"})
            await socket.until("welcome")

    virtually(main)
