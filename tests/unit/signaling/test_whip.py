"""WHIP and WHEP over HTTP: what RFC 9725 asks for, and the lesson's rules."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI
from pydantic import ValidationError

from mixer import sdp
from mixer.model import Direction, LinkState, TransportChanged
from signaling.app_router import routes
from signaling.driver import LessonService
from signaling.errors import LessonRefusal
from signaling.http_session import name_sources
from signaling.ports import SignalingSettings
from signaling.protocol import messages as m
from signaling.protocol.messages import IceServer, Source
from signaling.sdp_fragment import credentials_of, fragment_of, with_credentials
from tests.sim.virtual_time import virtually
from tests.unit.signaling.sample_lesson import LESSON, offer_of, publish
from tests.unit.signaling.service import World, join, settle

SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"
OFFER = offer_of(Source.BOARD, Source.ROOM)
# As FFmpeg's whip muxer writes it: sound before picture, mids 0 and 1, passive DTLS.
FFMPEG_OFFER = "\r\n".join(
    [
        "v=0",
        "o=FFmpeg 4489045141692799359 2 IN IP4 127.0.0.1",
        "s=FFmpegPublishSession",
        "t=0 0",
        "a=group:BUNDLE 0 1",
        "a=extmap-allow-mixed",
        "a=msid-semantic: WMS",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "a=ice-ufrag:4b2f2c1e",
        "a=ice-pwd:0123456789abcdef0123456789abcdef",
        "a=setup:passive",
        "a=mid:0",
        "a=sendonly",
        "a=rtpmap:111 opus/48000/2",
        "m=video 9 UDP/TLS/RTP/SAVPF 106",
        "a=mid:1",
        "a=sendonly",
        "a=rtpmap:106 H264/90000",
        "",
    ]
)


@asynccontextmanager
async def whip_client(
    world: World | None = None,
) -> AsyncIterator[tuple[httpx.AsyncClient, LessonService]]:
    world = world or World()
    async with world.serving() as service:
        app = FastAPI()
        app.include_router(routes(service))
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
            yield client, service


def bearer(seat: str, kind: str = SDP) -> dict[str, str]:
    return {"Authorization": f"Bearer {LESSON}/{seat}", "Content-Type": kind}


def test_an_encoder_becomes_a_source_of_its_seat_and_goes() -> None:
    async def main() -> None:
        async with whip_client() as (client, service):
            lead, _ = await join(service, "lead")
            answer = await client.post(
                "/whip/board", content=FFMPEG_OFFER, headers=bearer("room-1")
            )
            assert (answer.status_code, answer.headers["content-type"]) == (201, SDP)
            assert answer.text.startswith("v=0")
            assert answer.headers["etag"].startswith('"')
            assert answer.headers["accept-patch"] == FRAGMENT
            seat = service.live()[LESSON][1][1]
            assert {s.source for s in seat.sources} == {Source.BOARD, Source.ROOM}
            gone = await client.delete(answer.headers["location"])
            assert gone.status_code == 200
            await settle()
            assert service.live()[LESSON][1][1].devices == []
            again = await client.delete(answer.headers["location"])
            assert again.status_code == 404
            assert again.json()["code"] == "no-such-session"
            assert (await lead.ask(m.Ping())).type == "pong"

    virtually(main)


REFUSED = [
    ("/whip/piano", {}, OFFER, 404, "unknown-path"),
    ("/whip/board", {"Authorization": ""}, OFFER, 401, "token-invalid"),
    ("/whip/board", {"Authorization": "Basic abc"}, OFFER, 401, "token-invalid"),
    ("/whip/board", {"Authorization": "Bearer forged"}, OFFER, 401, "token-invalid"),
    ("/whip/board", {"Authorization": f"Bearer expired:{LESSON}"}, OFFER, 401, "token-expired"),
    ("/whip/board", {"Authorization": "Bearer x/lead"}, OFFER, 404, "no-such-lesson"),
    ("/whip/board", {"Content-Type": "text/plain"}, OFFER, 415, "wrong-content-type"),
    ("/whip/board", {}, "", 400, "bad-sdp"),
    ("/whip/board", {}, "\udcff", 400, "bad-sdp"),
    ("/whip/board", {}, "hello", 400, "bad-sdp"),
    ("/whip/board", {}, offer_of(), 400, "bad-sdp"),
    ("/whip/board", {}, OFFER + "a=x:" + "y" * 70_000, 413, "too-large"),
    ("/whip/board", {}, OFFER + "refuse-me", 400, "bad-sdp"),
    ("/whip/board", {}, OFFER.replace("a=mid:board", "a=mid:b b"), 400, "bad-sdp"),
    ("/whip/board", {}, OFFER.replace("sendonly", "recvonly"), 400, "wrong-kind"),
    (
        "/whip/board",
        {"Authorization": f"Bearer {LESSON}/observer-1"},
        OFFER,
        403,
        "source-not-allowed",
    ),
    ("/whep?source=piano", {}, OFFER, 404, "unknown-path"),
    ("/whep?seat=nobody", {}, OFFER, 404, "unknown-seat"),
    ("/whep?source=program", {}, OFFER, 409, "nothing-to-play"),
    ("/whep?seat=lead&source=program", {}, OFFER, 404, "unknown-path"),
    ("/whip/program", {}, OFFER, 404, "unknown-path"),
    ("/whep", {}, OFFER, 409, "nothing-to-play"),
]


@pytest.mark.parametrize(("path", "headers", "offer", "status", "code"), REFUSED)
def test_what_is_refused_and_how(
    path: str, headers: dict[str, str], offer: str, status: int, code: str
) -> None:
    async def main() -> None:
        async with whip_client() as (client, service):
            await join(service, "lead")
            answer = await client.post(
                path,
                content=offer.encode(errors="surrogateescape"),
                headers={**bearer("room-1"), **headers},
            )
            assert (answer.status_code, answer.json()["code"]) == (status, code)
            assert answer.headers["access-control-allow-origin"] == "*"
            assert ("www-authenticate" in answer.headers) is (status == 401)
            assert ("retry-after" in answer.headers) is (status in (409, 503))
            await settle()
            seats = service.live()[LESSON][1]
            assert {s.seat_id for s in seats if s.devices} == {"lead"}, "nobody stays behind"

    virtually(main)


@pytest.mark.parametrize(
    ("path", "allow", "others"),
    [
        ("/whip/board", "OPTIONS, POST", ["PATCH", "DELETE"]),
        ("/whep", "OPTIONS, POST", ["PATCH", "DELETE"]),
        ("/whip/sessions/x", "DELETE, OPTIONS, PATCH", ["POST"]),
        ("/whep/sessions/x", "DELETE, OPTIONS, PATCH", ["POST"]),
    ],
)
def test_other_methods_are_405(path: str, allow: str, others: list[str]) -> None:
    """RFC 9725 §4.1, §4.2: also for those of which nothing is known."""

    async def main() -> None:
        async with whip_client() as (client, _service):
            for method in ["GET", "HEAD", "PUT", *others]:
                answer = await client.request(method, path)
                assert (answer.status_code, answer.headers.get("allow")) == (405, allow), method
                assert answer.headers["access-control-allow-origin"] == "*"

    virtually(main)


def test_preflight_and_ice_servers() -> None:
    async def main() -> None:
        world = World(
            settings=SignalingSettings(
                ice_servers=(
                    IceServer(urls=["stun:s.example"]),
                    IceServer(urls=["turn:t.example"], username="u", credential="c"),
                )
            )
        )
        async with whip_client(world) as (client, _service):
            preflight = await client.options("/whip/board")
            assert preflight.status_code == 204
            assert "PATCH" in preflight.headers["access-control-allow-methods"]
            answer = await client.post("/whip/board", content=OFFER, headers=bearer("room-1"))
            assert answer.headers.get_list("link") == [
                '<stun:s.example>; rel="ice-server"',
                '<turn:t.example>; rel="ice-server"; username="u"; credential="c"; '
                'credential-type="password"',
            ]

    virtually(main)


def test_trickling_and_restarting_ice() -> None:
    async def main() -> None:
        async with whip_client() as (client, _service):
            made = await client.post("/whip/board", content=OFFER, headers=bearer("room-1"))
            where, etag = made.headers["location"], made.headers["etag"]
            same = "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\nm=audio 9 X 0\r\n"
            fresh = same.replace("abcd", "efgh")

            async def patch(body: str, condition: str | None, kind: str = FRAGMENT) -> int:
                headers = {"Content-Type": kind}
                if condition is not None:
                    headers["If-Match"] = condition
                answer = await client.patch(where, content=body, headers=headers)
                if answer.status_code == 200:
                    assert answer.headers["etag"] != etag
                    assert answer.headers["content-type"] == FRAGMENT
                return answer.status_code

            assert await patch(same, None) == 428
            assert await patch(same, '"other"') == 412
            assert await patch(same, etag, "text/plain") == 415
            assert await patch(same, etag) == 204
            assert await patch("a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n", etag) == 204
            assert await patch("a=ice-ufrag:abc\r\na=ice-pwd:x\r\n", "*") == 400
            assert await patch(fresh, "*") == 200
            assert await patch(fresh, etag) == 412, "the old ETag is stale now"

    virtually(main)


@pytest.mark.parametrize(
    ("conditions", "status"),
    [
        (["{etag}"], 204),
        (["*"], 204),
        ([" * "], 204),
        (['"a", {etag}'], 204),
        (['"a"', '"b" , {etag},'], 204),
        (['"a,b", {etag}'], 204),
        (["W/{etag}"], 412),
        (['"a", W/{etag}'], 412),
        (['"a", "b"'], 412),
        (['"x{bare}"'], 412),
        (["{bare}"], 412),
        (["**"], 412),
        ([""], 412),
        ([], 428),
    ],
)
def test_a_condition_is_a_list_compared_strongly(conditions: list[str], status: int) -> None:
    """RFC 9110 §13.1.1: `*`, or any number of tags in any number of lines; a weak one is none."""

    async def main() -> None:
        async with whip_client() as (client, _service):
            made = await client.post("/whip/board", content=OFFER, headers=bearer("room-1"))
            etag = made.headers["etag"]
            headers = [("Content-Type", FRAGMENT)]
            for condition in conditions:
                text = condition.replace("{etag}", etag).replace("{bare}", etag.strip('"'))
                headers.append(("If-Match", text))
            body = "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n"
            answer = await client.patch(made.headers["location"], content=body, headers=headers)
            assert answer.status_code == status

    virtually(main)


@pytest.mark.parametrize(
    ("ufrag", "pwd", "status"),
    [
        ("abcd", "0123456789012345678901", 204),  # those of the offer
        ("ab-_=+/d", "-_=+/" + "x" * 17, 200),
        ("ab-_=+/d ", "-_=+/" + "x" * 17 + "\t", 200),
        ("ab d", "x" * 22, 400),
        ("ab:d", "x" * 22, 400),
        ("abé", "x" * 22, 400),
        ("abcd", "x" * 21, 400),
        ("abc", "x" * 22, 400),
        ("", "x" * 22, 400),
        ("abcd", None, 400),
    ],
)
def test_a_patch_takes_the_credentials_that_an_offer_may_have(
    ufrag: str, pwd: str | None, status: int
) -> None:
    async def main() -> None:
        async with whip_client() as (client, _service):
            made = await client.post("/whip/board", content=OFFER, headers=bearer("room-1"))
            body = f"a=ice-ufrag:{ufrag}\r\n" + (f"a=ice-pwd:{pwd}\r\n" if pwd else "")
            answer = await client.patch(
                made.headers["location"],
                content=body.encode(),
                headers={"Content-Type": FRAGMENT, "If-Match": "*"},
            )
            assert answer.status_code == status

    virtually(main)


def test_the_credentials_of_a_section_go_before_the_sessions() -> None:
    session, own = (
        "a=ice-ufrag:sess\na=ice-pwd:" + "s" * 22,
        "a=ice-ufrag:ownx\na=ice-pwd:" + "o" * 22,
    )
    for fragment, ufrag in (
        (session, "sess"),
        (f"{session}\nm=audio 9 X 0\na=mid:0", "sess"),
        (f"{session}\nm=audio 9 X 0\n{own}", "ownx"),
        (f"m=audio 9 X 0\na=mid:0\nm=video 9 X 0\n{own}", "ownx"),
    ):
        found = credentials_of(fragment)
        assert found is not None
        assert found.ufrag == ufrag


def test_a_message_names_the_mids_that_a_description_may_have() -> None:
    """The protocol is a leaf: it writes the media core's rule anew, and this holds it to that."""
    every = {chr(code): sdp.MID.fullmatch(chr(code)) is not None for code in range(1, 0x250)}
    every |= {"a" * length: sdp.MID.fullmatch("a" * length) is not None for length in range(70)}
    for mid, fits in every.items():
        try:
            m.Publish(sdp="v=0", sources={mid: Source.BOARD})
        except ValidationError:
            assert not fits, mid
        else:
            assert fits, mid


def test_a_second_device_of_a_seat_sends_no_sound() -> None:
    async def main() -> None:
        async with whip_client() as (client, service):
            await join(service, "room-1")
            answer = await client.post(
                "/whip/board", content=FFMPEG_OFFER, headers=bearer("room-1")
            )
            assert answer.status_code == 201
            assert [s.source for s in service.live()[LESSON][1][1].sources] == [Source.BOARD]
            answer = await client.post("/whip/room", content=OFFER, headers=bearer("room-1"))
            assert (answer.status_code, answer.json()["code"]) == (409, "sound-elsewhere")

    virtually(main)


def test_the_end_of_the_lesson_ends_the_session() -> None:
    async def main() -> None:
        async with whip_client() as (client, service):
            answer = await client.post("/whip/board", content=OFFER, headers=bearer("room-1"))
            await service.end_lesson(LESSON)
            await settle()
            assert (await client.delete(answer.headers["location"])).status_code == 404

    virtually(main)


def test_an_encoder_that_dies_gives_its_place_back() -> None:
    async def main() -> None:
        world = World()
        async with whip_client(world) as (client, service):
            await client.post("/whip/board", content=OFFER, headers=bearer("room-1"))
            (device,) = world.media.model(LESSON).devices
            for state in (LinkState.CONNECTED, LinkState.LOST):
                world.media.listeners[LESSON](TransportChanged(device, Direction.PUBLISH, state))
                await settle()
            again = await client.post("/whip/board", content=OFFER, headers=bearer("room-1"))
            assert again.status_code == 201
            seat = service.live()[LESSON][1][1]
            assert (len(seat.devices), {s.source for s in seat.sources}) == (1, {"board", "room"})
            assert device not in world.media.model(LESSON).devices

    virtually(main)


def test_a_player_gets_one_seat() -> None:
    async def main() -> None:
        world = World()
        async with whip_client(world) as (client, service):
            lead, _ = await join(service, "lead")
            published = await lead.ask(publish(Source.TEACHER, Source.ROOM))
            assert isinstance(published, m.Published)
            answer = await client.post("/whep", content=OFFER, headers=bearer("observer-1"))
            assert (answer.status_code, answer.text) == (201, "v=0\r\nplayer-answer")
            wanted = [
                {want.producer_id for want in device.wants}
                for device in world.media.model(LESSON).devices.values()
                if device.player
            ]
            assert wanted == [set(published.producers.values())]
            assert (await client.delete(answer.headers["location"])).status_code == 200

    virtually(main)


# --- SDP ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offer", "source", "with_sound", "named"),
    [
        (FFMPEG_OFFER, Source.TEACHER, True, {"0": "room", "1": "teacher"}),
        (FFMPEG_OFFER, Source.TEACHER, False, {"1": "teacher"}),
        (FFMPEG_OFFER, Source.ROOM, True, {"0": "room"}),
        (FFMPEG_OFFER, Source.ROOM, False, "sound-elsewhere"),
        (offer_of(Source.BOARD), Source.ROOM, True, "wrong-kind"),
        (offer_of(Source.BOARD, Source.SCREEN), Source.BOARD, True, {"board": "board"}),
        ("v=0\r\nm=video 9 X 0\r\n", Source.BOARD, True, {"0": "board"}),
        ("v=0\r\nm=application 9 X 0\r\n", Source.BOARD, True, "wrong-kind"),
    ],
)
def test_what_an_encoders_lines_are_named(
    offer: str, source: Source, named: dict[str, str] | str, *, with_sound: bool
) -> None:
    if isinstance(named, str):
        with pytest.raises(LessonRefusal) as caught:
            name_sources(offer, source, with_sound=with_sound)
        assert caught.value.code == named
    else:
        assert name_sources(offer, source, with_sound=with_sound) == named


def test_an_ice_restart_changes_the_credentials_and_nothing_else() -> None:
    offer = OFFER.replace("a=sendonly", "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\na=sendonly")
    fresh = credentials_of("a=ice-pwd:abcdefghijklmnopqrstuv\r\na=ice-ufrag:wxyz\r\n")
    assert fresh is not None
    changed = with_credentials(offer, fresh)
    assert credentials_of(changed) == fresh
    assert "candidate" not in changed
    back = credentials_of(offer)
    assert back is not None
    assert with_credentials(changed, back) == OFFER


def test_the_answers_fragment_has_what_a_client_needs() -> None:
    answer = (
        "v=0\r\na=ice-lite\r\nm=audio 9 X 0\r\na=mid:0\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\n"
        "a=rtpmap:0 x\r\na=candidate:1\r\na=end-of-candidates\r\nm=video 9 X 0\r\na=mid:1\r\n"
    )
    assert fragment_of(answer).splitlines() == [
        "a=ice-lite",
        "a=ice-ufrag:u",
        "a=ice-pwd:p",
        "m=audio 9 X 0",
        "a=mid:0",
        "a=candidate:1",
        "a=end-of-candidates",
    ]
