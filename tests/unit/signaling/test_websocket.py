"""The WebSocket: the door, bad messages, silence, abuse."""

from __future__ import annotations

import asyncio
import json

import pytest
from fastapi import FastAPI

from signaling.allowance import BURST, FORGIVEN_OFFENCES, MESSAGES_PER_S, Allowance
from signaling.app_router import routes
from signaling.driver import LessonService
from signaling.errors import LessonRefusal
from signaling.origin import same_origin
from signaling.protocol.messages import CloseCode
from signaling.protocol.refusals import REFUSALS
from signaling.websocket import SEND_TIMEOUT_S, parse
from tests.sim.virtual_time import virtually
from tests.unit.signaling.asgi_socket import AsgiSocket
from tests.unit.signaling.sample_lesson import LESSON
from tests.unit.signaling.service import World


def app_of(service: LessonService) -> FastAPI:
    app = FastAPI()
    app.include_router(routes(service))
    return app


def join_of(seat: str, **fields: object) -> dict[str, object]:
    return {"type": "join", "token": f"{LESSON}/{seat}", **fields}


def test_a_whole_visit() -> None:
    async def main() -> None:
        async with World().serving() as service, AsgiSocket(app_of(service)) as socket:
            socket.send(join_of("room-1", request_id="1"))
            welcome = await socket.until("welcome")
            assert welcome["request_id"] == "1"
            assert welcome["protocol"] == 1
            socket.send({"type": "raise_hand", "request_id": "2"})
            assert (await socket.until("done"))["request_id"] == "2"
            socket.send({"type": "leave"})
            assert await socket.closed() == CloseCode.LEFT

    virtually(main)


@pytest.mark.parametrize(
    ("origin", "let_in"),
    [
        (None, True),
        ("http://tongke.example", True),
        ("https://TONGKE.example", True),
        ("https://evil.example", False),
        ("null", False),
        ("http://[::1", False),
    ],
)
def test_pages_of_other_sites_are_kept_out(origin: str | None, *, let_in: bool) -> None:
    async def main() -> None:
        headers = {} if origin is None else {"origin": origin}
        async with (
            World().serving() as service,
            AsgiSocket(app_of(service), headers=headers) as socket,
        ):
            assert socket.accepted is let_in

    virtually(main)
    for hosts in (["tongke.example"], ["other", "Tongke.example", ""]):
        assert origin is None or same_origin(origin, *hosts) is let_in


BAD = [
    ("", "malformed"),
    ("{", "malformed"),
    ("null", "malformed"),
    ("[]", "malformed"),
    ('"join"', "malformed"),
    ("{}", "malformed"),
    ('{"type": "dance"}', "unknown-type"),
    ('{"type": 7}', "unknown-type"),
    ('{"type": "welcome"}', "unknown-type"),
    ('{"type": "ping", "extra": 1}', "malformed"),
    ('{"type": "mute", "muted": "perhaps"}', "malformed"),
    ('{"type": "give_floor", "seat_id": "a b"}', "malformed"),
    ('{"type": "give_floor", "seat_id": "<script>"}', "malformed"),
    ('{"type": "subscribe", "wants": [{"producer_id": "p", "width": -1}]}', "malformed"),
    ('{"type": "send_chat", "text": ""}', "malformed"),
    ('{"type": "send_chat", "text": "\\ud800"}', "malformed"),
    ('{"type": "ping", "request_id": "' + "x" * 65 + '"}', "malformed"),
    ("[" * 50_000, "malformed"),
    ('{"type": "send_chat", "text": "' + "a" * 200_000 + '"}', "too-large"),
    ("课" * 50_000, "too-large"),
]


@pytest.mark.parametrize(("text", "code"), BAD, ids=range(len(BAD)))
def test_bad_messages_are_named(text: str, code: str) -> None:
    with pytest.raises(LessonRefusal) as caught:
        parse(text, max_bytes=131_072)
    assert caught.value.code == code


def test_bad_messages_are_answered_and_the_visit_goes_on() -> None:
    async def main() -> None:
        async with World().serving() as service, AsgiSocket(app_of(service)) as socket:
            socket.send({"type": "ping", "request_id": "early"})
            refused = await socket.until("refused")
            assert (refused["code"], refused["request_id"]) == ("not-joined", "early")
            socket.send(join_of("lead"))
            await socket.until("welcome")
            socket.send({"type": "dance", "request_id": "q"})
            refused = await socket.until("refused")
            assert (refused["code"], refused["request_id"]) == ("unknown-type", "q")
            assert refused["message_zh"] == REFUSALS["unknown-type"].zh
            socket.send_bytes(b"\x00\xff")
            assert (await socket.until("refused"))["code"] == "malformed"
            socket.send({"type": "ping"})
            assert (await socket.until("pong"))["type"] == "pong"

    virtually(main)


def test_who_sends_nonsense_only_is_closed() -> None:
    async def main() -> None:
        async with World().serving() as service, AsgiSocket(app_of(service)) as socket:
            for _message in range(FORGIVEN_OFFENCES + 1):
                socket.send_text("nonsense")
            assert await socket.closed() == CloseCode.ABUSE

    virtually(main)


def test_who_floods_is_slowed_and_closed() -> None:
    async def main() -> None:
        async with World().serving() as service, AsgiSocket(app_of(service)) as socket:
            socket.send(join_of("lead"))
            for _message in range(1000):
                socket.send({"type": "ping"})
            assert await socket.closed() == CloseCode.ABUSE

    virtually(main)


@pytest.mark.parametrize("joined", [False, True])
def test_silence_is_noticed(*, joined: bool) -> None:
    async def main() -> None:
        world = World()
        async with world.serving() as service, AsgiSocket(app_of(service)) as socket:
            loop = asyncio.get_running_loop()
            if joined:
                socket.send(join_of("lead"))
                await socket.until("welcome")
            started = loop.time()
            expected = CloseCode.SILENT if joined else CloseCode.JOIN_TIMED_OUT
            assert await socket.closed() == expected
            settings = world.settings
            waited = settings.silent_socket_s if joined else settings.join_timeout_s
            assert loop.time() - started == pytest.approx(waited, abs=0.01)
            if joined:
                await asyncio.sleep(0.01)
                assert service.live()[LESSON][1][0].away_since is not None

    virtually(main)


def test_chatter_before_joining_does_not_keep_the_door_open() -> None:
    async def main() -> None:
        async with World().serving() as service, AsgiSocket(app_of(service)) as socket:
            loop = asyncio.get_running_loop()
            while loop.time() < 9.5:
                socket.send({"type": "ping"})
                await asyncio.sleep(1)
            assert await socket.closed() == CloseCode.JOIN_TIMED_OUT
            assert loop.time() == pytest.approx(10, abs=0.1)

    virtually(main)


def test_a_client_that_takes_nothing_is_given_up() -> None:
    async def main() -> None:
        async with World().serving() as service:
            async with AsgiSocket(app_of(service), deaf=True) as socket:
                socket.send(join_of("room-1"))
                for _second in range(int(SEND_TIMEOUT_S) + 5):  # it goes on pinging
                    socket.send({"type": "ping"})
                    await asyncio.sleep(1)
                assert service.live()[LESSON][1][1].away_since is not None
            async with AsgiSocket(app_of(service)) as lead:
                lead.send(join_of("lead"))
                await lead.until("welcome")

    virtually(main)


def test_a_refused_join_says_why_and_closes() -> None:
    async def main() -> None:
        async with World().serving() as service, AsgiSocket(app_of(service)) as socket:
            socket.send({"type": "join", "token": "forged", "request_id": "1"})
            assert (await socket.until("refused"))["code"] == "token-invalid"
            assert await socket.closed() == CloseCode.REFUSED

    virtually(main)


def test_markup_in_names_and_chat_stays_text() -> None:
    async def main() -> None:
        async with World().serving() as service, AsgiSocket(app_of(service)) as socket:
            socket.send(join_of("lead"))
            await socket.until("welcome")
            socket.send({"type": "send_chat", "text": "<img onerror=x>"})
            posted = await socket.until("chat_posted")
            assert json.dumps(posted["line"]["text"]) == '"<img onerror=x>"'

    virtually(main)


def test_messages_and_offences_are_allowed_for_by_the_second() -> None:
    allowance = Allowance(0.0)
    assert sum(allowance.allows(0.0) for _try in range(1000)) == BURST
    assert sum(allowance.allows(1.0) for _try in range(1000)) == MESSAGES_PER_S
    assert not allowance.allows(0.5), "a clock that goes back gives nothing"
    assert [allowance.offended(1.0) for _try in range(FORGIVEN_OFFENCES + 1)].index(True) == (
        FORGIVEN_OFFENCES
    )
    assert not allowance.offended(1000.0)
