"""Source keys: an encoder comes into its room's lesson whenever it asks, by no other door."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import httpx
import pytest
from sqlalchemy import text

from hardware_profiles import ServerProfile
from server.config import Settings
from server.encoders.errors import refused_by_lesson
from server.ids import secret_hash
from server.node.media import MediaCore
from signaling.protocol.messages import Source
from signaling.protocol.refusals import REFUSALS
from tests.ports import free_port
from tests.refusals import locked
from tests.unit.server.world import (
    ORIGIN,
    NoMedia,
    World,
    lesson_body,
    post,
    running_world,
)
from tests.unit.signaling.fakes import FakeMedia
from tests.unit.signaling.sample_lesson import offer_of

Ids = dict[str, str]
OFFER = offer_of(Source.BOARD, Source.ROOM)
TEN_MINUTES_S = 600.0


class ModelledMedia(FakeMedia, NoMedia):
    """Takes every offer."""


@asynccontextmanager
async def modelled_media(_settings: Settings, _hw: ServerProfile) -> AsyncIterator[MediaCore]:
    yield cast(MediaCore, ModelledMedia())


class Room:
    """A classroom with a source key, and all who are needed to hold lessons in it."""

    def __init__(self, world: World, admin: httpx.AsyncClient, ids: Ids) -> None:
        self.world, self.admin, self.ids = world, admin, ids

    async def begin(self) -> None:
        self.encoder = await self.world.browser()
        self.li = await self.world.signed_in("li")
        self.key = await self.new_key("board")

    async def new_key(self, source: str, room: str = "room_1") -> Ids:
        path = f"/api/classrooms/{self.ids[room]}/source_keys"
        return cast(Ids, await post(self.admin, path, {"label": "OBS", "source": source}))

    async def lesson(self, **changes: object) -> str:
        made = await post(self.li, "/api/lessons", lesson_body(self.ids, **changes))
        return str(made["id"])

    async def send(self, path: str = "/whip/board", bearer: str = "") -> httpx.Response:
        headers = {
            "Authorization": f"Bearer {bearer or self.key['secret']}",
            "Content-Type": "application/sdp",
        }
        return await self.encoder.post(path, content=OFFER, headers=headers)

    async def sources(self, seat_id: str = "room-1") -> set[str]:
        """What the seat sends now, as the administrator sees it."""
        live = (await self.admin.get("/api/admin/live")).json()["lessons"]
        return {
            source["source"]
            for lesson in live
            for seat in lesson["seats"]
            if seat["seat_id"] == seat_id
            for source in seat["sources"]
        }


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with running_world(tmp_path, open_media=modelled_media) as world:
        admin = await world.administrator()
        made = Room(world, admin, await world.community(admin))
        await made.begin()
        yield made


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_key_is_told_once_with_the_address_it_is_for(room: Room) -> None:
    key = room.key
    assert key["address"] == f"{ORIGIN}/whip/board"
    assert (key["source"], key["secret"][:4]) == ("board", "tks_")
    path = f"/api/classrooms/{room.ids['room_1']}"
    listed = (await room.admin.get(f"{path}/source_keys")).json()
    assert listed == [
        {
            "id": key["id"],
            "label": "OBS",
            "source": "board",
            "way": "whip",
            "created_at": room.world.clock(),
            "last_used_at": None,
            "copied_to": [],
            "sends": False,
            "in_lesson": False,
            "fault": None,
            "notice": None,
        }
    ]
    assert (await room.admin.get(f"{path}/credentials")).json() == [], "it is no device's"
    assert (await room.admin.delete(f"/api/credentials/{key['id']}")).status_code == 404
    async with room.world.services.database.read() as session:
        kept = str((await session.execute(text("SELECT * FROM credentials"))).all())
    assert key["secret"] not in kept
    assert secret_hash(key["secret"]) in kept


async def test_a_locked_database_keeps_no_encoder_from_its_lesson(room: Room) -> None:
    """That a key was used is noted when it can be."""
    await room.lesson()
    async with locked(room.world.settings.data_folder / "tongke.db"):
        assert (await room.send()).status_code == 201
    assert await room.sources() == {"board", "room"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"label": "OBS"}, "source"),
        ({"label": "OBS", "source": "piano"}, "source"),
        ({"label": " ", "source": "board"}, "label"),
        ({"label": "OBS", "source": "board", "x": 1}, "x"),
    ],
)
async def test_wrong_keys_are_not_made(room: Room, body: Ids, field: str) -> None:
    path = f"/api/classrooms/{room.ids['room_1']}/source_keys"
    answer = await room.admin.post(path, json=body)
    assert (answer.status_code, set(answer.json()["fields"])) == (422, {field})


async def test_an_encoder_is_let_in_whenever_its_room_has_a_lesson(room: Room) -> None:
    assert refused(await room.send()) == (409, "no-lesson-now")
    first = await room.lesson()
    assert (await room.send()).status_code == 201
    assert await room.sources() == {"board", "room"}
    await room.li.post(f"/api/lessons/{first}/end")
    assert refused(await room.send()) == (409, "no-lesson-now")
    room.world.clock.pass_s(7 * 86_400)
    await room.lesson()
    assert (await room.send()).status_code == 201, "the same key, a week later"
    assert await room.sources() == {"board", "room"}


async def test_an_encoder_comes_back_after_a_tokens_ten_minutes(room: Room) -> None:
    """What a join token cannot: it has run out, and nobody is there to fetch another."""
    lesson = await room.lesson()
    asked = {"role": "room", "seat_id": "room-1"}
    token = (await post(room.li, f"/api/lessons/{lesson}/token", asked))["token"]
    for bearer in (token, room.key["secret"]):
        made = await room.send(bearer=bearer)
        assert made.status_code == 201
        assert (await room.encoder.delete(made.headers["location"])).status_code == 200
    room.world.clock.pass_s(TEN_MINUTES_S + 60)
    assert refused(await room.send(bearer=token)) == (401, "token-expired")
    assert (await room.send()).status_code == 201
    assert await room.sources() == {"board", "room"}


async def test_it_is_told_when_to_ask_again(room: Room) -> None:
    async def retry_after_s() -> int:
        answer = await room.send()
        assert refused(answer) == (409, "no-lesson-now")
        return int(answer.headers["retry-after"])

    assert await retry_after_s() == 60
    doors_open_s = room.world.settings.doors_open_s
    await room.lesson(starts_at=room.world.clock() + doors_open_s + 100)
    assert await retry_after_s() == 60, "somebody may start one now"
    room.world.clock.pass_s(70)
    assert await retry_after_s() == 30
    room.world.clock.pass_s(40)
    assert await retry_after_s() == 5, "the doors are late"


async def test_a_key_sends_its_own_source_of_its_own_room(room: Room) -> None:
    await room.lesson()
    assert refused(await room.send("/whip/teacher")) == (403, "source-key-elsewhere")
    assert refused(await room.send("/whip/piano")) == (404, "unknown-path")
    teacher = await room.new_key("teacher", "room_2")
    assert (await room.send("/whip/teacher", teacher["secret"])).status_code == 201
    assert await room.sources("room-2") == {"teacher", "room"}
    assert await room.sources("room-1") == set()


async def test_a_key_opens_no_other_door(room: Room) -> None:
    await room.lesson()
    key = room.key["secret"]
    for path in ("/whep", "/whep?seat=lead&source=board"):
        assert refused(await room.send(path)) == (403, "source-key-sends-only")
    answer = await room.encoder.get("/api/room", headers={"authorization": f"Bearer {key}"})
    assert refused(answer) == (401, "credential-refused")
    for path in ("/api/lessons", "/api/session", "/api/classrooms"):
        answer = await room.encoder.get(path, headers={"authorization": f"Bearer {key}"})
        assert answer.status_code == 401 or answer.json()["user"] is None


async def test_a_devices_credential_is_no_key(room: Room) -> None:
    await room.lesson()
    path = f"/api/classrooms/{room.ids['room_1']}/credentials"
    credential = await post(room.admin, path, {"label": "电脑"})
    assert refused(await room.send(bearer=credential["secret"])) == (401, "token-invalid")
    changed = credential["secret"].replace("tkr_", "tks_")
    assert refused(await room.send(bearer=changed)) == (401, "source-key-refused")
    answer = await room.admin.delete(f"/api/source_keys/{credential['id']}")
    assert answer.status_code == 404


async def test_a_revoked_key_and_one_of_a_deleted_room_are_refused(room: Room) -> None:
    await room.lesson()
    assert (await room.admin.delete(f"/api/source_keys/{room.key['id']}")).status_code == 204
    assert (await room.admin.delete(f"/api/source_keys/{room.key['id']}")).status_code == 404
    assert refused(await room.send()) == (401, "source-key-refused")
    elsewhere = await room.new_key("board", "room_3")
    await room.admin.delete(f"/api/classrooms/{room.ids['room_3']}")
    assert refused(await room.send(bearer=elsewhere["secret"])) == (401, "source-key-refused")


async def test_a_revoked_key_ends_what_it_sends(room: Room) -> None:
    await room.lesson()
    neighbour = await room.new_key("teacher")
    assert (await room.send()).status_code == 201
    assert (await room.send("/whip/teacher", neighbour["secret"])).status_code == 201
    assert await room.sources() == {"board", "teacher", "room"}
    await room.admin.delete(f"/api/source_keys/{room.key['id']}")
    assert "teacher" in await room.sources()
    assert "board" not in await room.sources()
    assert refused(await room.send()) == (401, "source-key-refused")


async def test_a_wrong_key_is_told_so_before_anything_else_is_known(room: Room) -> None:
    for bearer in ("tks_", "tks_" + "x" * 43, room.key["secret"][:-1], "tks_'; DROP TABLE x"):
        assert refused(await room.send(bearer=bearer)) == (401, "source-key-refused")


async def test_the_last_use_of_a_key_is_kept(room: Room) -> None:
    path = f"/api/classrooms/{room.ids['room_1']}/source_keys"
    room.world.clock.pass_s(100)
    await room.send()
    (listed,) = (await room.admin.get(path)).json()
    assert listed["last_used_at"] == room.world.clock()


CAMERA = {"camera_url": "rtsp://10.0.0.8/main", "camera_user": "admin", "camera_password": "s3cret"}


@pytest.mark.parametrize(
    ("body", "field", "says"),
    [
        ({"way": "rtmp"}, "way", "rtmp_port"),
        ({"way": "srt"}, "way", "srt_port"),
        ({"way": "rtsp"}, "camera_url", "rtsp://"),
        ({"way": "rtsp", "camera_url": "http://10.0.0.8/"}, "camera_url", "rtsp://"),
        ({"way": "rtsp", "camera_url": "rtsp://a:b@10.0.0.8/"}, "camera_url", "user"),
        ({"way": "rtsp", **CAMERA, "source": "room"}, "source", "picture"),
    ],
)
async def test_a_way_that_is_closed_and_an_address_that_is_none_are_told(
    room: Room, body: dict[str, str], field: str, says: str
) -> None:
    path = f"/api/classrooms/{room.ids['room_1']}/source_keys"
    answer = await room.admin.post(path, json={"label": "box", "source": "board", **body})
    assert answer.status_code == 422
    assert says in answer.json()["fields"][field]["en"]
    assert "s3cret" not in answer.text and "a:b@" not in answer.text


async def test_a_cameras_login_is_kept_sealed_and_told_to_nobody(room: Room) -> None:
    path = f"/api/classrooms/{room.ids['room_1']}/source_keys"
    body = {"label": "camera", "source": "teacher", "way": "rtsp", **CAMERA}
    made = await post(room.admin, path, body)
    assert (made["secret"], made["address"], made["way"]) == ("", "", "rtsp")
    listed = (await room.admin.get(path)).text
    async with room.world.services.database.read() as session:
        kept = str((await session.execute(text("SELECT * FROM credentials"))).all())
    for told in (listed, kept):
        assert "s3cret" not in told and "10.0.0.8" not in told
    await room.lesson()
    assert refused(await room.send("/whip/teacher", "tks_")) == (401, "source-key-refused")


async def test_a_camera_that_its_lesson_does_not_take_says_why(room: Room) -> None:
    """It is let in and put out every few seconds: that stands still, and is no riddle."""
    await room.lesson()
    path = f"/api/classrooms/{room.ids['room_1']}/source_keys"
    camera = {**CAMERA, "camera_url": f"rtsp://127.0.0.1:{free_port()}/x"}
    key = await post(room.admin, path, {"label": "c", "source": "screen", "way": "rtsp", **camera})
    said = REFUSALS["media-failed"]  # this media core takes nothing of an encoder
    async with asyncio.timeout(30):
        while True:
            listed = (await room.admin.get(path)).json()
            (fault,) = [one["fault"] for one in listed if one["id"] == key["id"]]
            if fault == {"message_zh": said.zh, "message_en": said.en}:
                break
            await asyncio.sleep(0.05)


def test_every_refusal_of_a_lesson_has_words_for_an_encoder() -> None:
    assert all(refused_by_lesson(code).message_zh for code in REFUSALS)
    assert "floor" in refused_by_lesson("source-not-allowed").message_en
