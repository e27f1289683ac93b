"""The table of permissions: every route is in it, and is guarded so; the page shows it."""

from __future__ import annotations

from collections.abc import Iterator, Set
from pathlib import Path

import httpx
import pytest
from starlette.routing import BaseRoute, Route, WebSocketRoute

from server.accounts.permissions import PERMISSIONS, SEATS, Standing
from server.api import permissions_page
from signaling.protocol.messages import Role
from tests.unit.server.lessons.present import Present, plan
from tests.unit.server.recordings.recorded import recorded
from tests.unit.server.world import PASSWORD, World, lesson_body, post
from tests.unit.signaling.test_whip import FRAGMENT, OFFER

Ids = dict[str, str]
PERSON = {Standing.ANYBODY, Standing.SIGNED_IN}
CALLERS: dict[str, set[Standing]] = {
    "nobody": {Standing.ANYBODY},
    "device": {Standing.ANYBODY, Standing.ROOM_DEVICE},
    "outsider": PERSON,  # of no school in the lesson
    "wang": PERSON | {Standing.SCHOOL},
    "chen": PERSON | {Standing.COLLEAGUE},
    "li": PERSON | {Standing.TEACHER},
    "admin": PERSON | {Standing.ADMINISTRATOR},
}
OWNED = {Standing.TEACHER, Standing.COLLEAGUE}


def calls_of(routes: list[BaseRoute]) -> Iterator[str]:
    """Every call there is, by method and path; of an included router what was included."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from calls_of(inner.routes)
            continue
        assert isinstance(route, Route | WebSocketRoute)
        path = route.path
        if path.startswith("/wh") and route.name == "refuse":
            continue  # says of all other methods that there are none
        for method in getattr(route, "methods", None) or {"GET"}:  # a WebSocket begins as GET
            if method not in {"HEAD", "OPTIONS"}:  # asked as GET is; says what is possible
                yield f"{method} {path}"


async def test_every_route_is_in_the_table_and_every_row_is_a_route(world: World) -> None:
    assert set(calls_of(list(world.app.routes))) == set(PERMISSIONS)


class Scene:
    """A school's server, and a browser of each who comes to it."""

    def __init__(self, world: World, ids: Ids) -> None:
        self.world = world
        self.ids = ids
        self.browsers: dict[str, httpx.AsyncClient] = {}
        self.lesson = ""
        self.made = 0

    async def fresh(self, call: str) -> Ids:
        """A recording, or a lesson in the state this call is for; what was before it is over."""
        self.made += 1
        if "recordings" in call:
            return {"recording_id": await recorded(self.world, self.ids, f"rec{self.made}")}
        if self.lesson:
            await self.browsers["admin"].post(f"/api/lessons/{self.lesson}/end")
        begun = call.endswith(("/end", "/take-over"))
        later = self.world.clock() + 600 + self.made * 86_400  # a teacher has a few at a time
        body = lesson_body(self.ids, starts_at=None if begun else later)
        self.lesson = (await post(self.browsers["li"], "/api/lessons", body))["id"]
        if call.endswith("/restore"):
            await self.browsers["li"].delete(f"/api/lessons/{self.lesson}")
        return {"lesson_id": self.lesson}

    async def call(self, who: str, call: str, **ids: str) -> httpx.Response:
        """This call by this caller; nothing is in it that could be right by chance."""
        method, _, path = call.partition(" ")
        known = {"name:path": "part-1.mp4", "name": "x", "source": "teacher", "kind": "schools"}
        for name, value in (known | ids).items():
            path = path.replace(f"{{{name}}}", value)
        path = path.replace("{", "").replace("}", "")  # ids that nothing has
        if path.startswith("/wh"):
            said = {"content-type": FRAGMENT if method == "PATCH" else "application/sdp"}
            return await self.browsers[who].request(method, path, content=OFFER, headers=said)
        return await self.browsers[who].request(method, path, json={})


@pytest.fixture
async def scene(world: World, present: Present, admin: httpx.AsyncClient, community: Ids) -> Scene:
    made = Scene(world, community)
    chen = {"username": "chen", "display_name": "陈老师", "role": "teacher", "password": PASSWORD}
    await post(admin, "/api/users", {**chen, "school_id": community["lead_school"]})
    body = {"label": "一号"}
    path = f"/api/classrooms/{community['room_1']}/credentials"
    secret = (await post(admin, path, body))["secret"]
    made.browsers = {who: await world.signed_in(who) for who in ("outsider", "wang", "chen", "li")}
    made.browsers |= {"admin": admin, "nobody": await world.browser()}
    made.browsers["device"] = device = await world.browser()
    device.headers["authorization"] = f"Bearer {secret}"
    return made


def refused(answer: httpx.Response) -> bool:
    return answer.status_code in {401, 403}


def code_of(who: Set[Standing], caller: Set[Standing]) -> str | None:
    """The code of the refusal, where the table is all there is to it."""
    if not who <= PERSON | OWNED | {Standing.ADMINISTRATOR}:
        return None  # a token, a key, a credential
    if Standing.SIGNED_IN not in caller:
        return "not-signed-in"
    return "not-its-teacher" if who & OWNED else "administrator-only"


async def test_every_call_is_refused_to_everybody_else(scene: Scene) -> None:
    """Nothing happens by any of them, so one lesson and one recording are enough."""
    ids = {"recording_id": await recorded(scene.world, scene.ids)}
    ids["lesson_id"] = await plan(scene.world, scene.ids, None)
    tried = 0
    for call, who in PERMISSIONS.items():
        if call == "GET /ws":  # the tests of the WebSocket come without a token
            continue
        for caller, standings in CALLERS.items():
            if who & standings:
                continue
            answer = await scene.call(caller, call, **ids)
            unseen = caller == "outsider" and who & OWNED and answer.status_code == 404
            unknown = "sessions" in call and answer.status_code == 404  # a secret nobody guesses
            assert refused(answer) or unseen or unknown, (call, caller, answer.text)
            code = code_of(who, standings)
            assert unseen or code in {None, answer.json()["code"]}, (call, caller, answer.text)
            tried += 1
    assert tried > 200
    lesson = (await scene.browsers["li"].get(f"/api/lessons/{ids['lesson_id']}")).json()
    assert (lesson["state"], lesson["teacher"]["display_name"]) == ("live", "李老师")


async def test_every_call_can_be_made_by_those_it_is_for(scene: Scene) -> None:
    """Behind the door it may be refused for what it says, which is nothing."""
    for call, who in PERMISSIONS.items():
        for caller, standings in CALLERS.items():
            if not who & standings or call == "DELETE /api/session":
                continue  # who signs out makes no more calls here
            least = {Standing.ANYBODY: "nobody", Standing.SIGNED_IN: "outsider"}
            if any(one in who and caller != name for one, name in least.items()):
                continue  # whoever is more than that comes through the same door
            ids = await scene.fresh(call) if who & OWNED else {}
            answer = await scene.call(caller, call, **ids)
            assert not refused(answer), (call, caller, answer.text)
            if "pushes/" in call or (call.startswith("POST") and call.endswith("/pushes")):
                continue  # there is no program, and nothing that is pushed
            if ids and not call.endswith("/finish"):  # it has not failed
                assert answer.is_success, (call, caller, answer.text)


async def test_a_seat_is_given_to_those_it_is_for(scene: Scene) -> None:
    path = f"/api/lessons/{await plan(scene.world, scene.ids, None)}/token"
    for role, who in SEATS.items():
        seat = {"seat_id": "room-1"} if role is Role.ROOM else {}
        for caller in ("wang", "chen", "li", "admin"):
            answer = await scene.browsers[caller].post(path, json={"role": role, **seat})
            standings = CALLERS[caller]
            if caller == "chen" and role is Role.ASSISTANT:
                standings = standings | {Standing.SCHOOL}  # an assistant's is of any school in it
            assert answer.is_success is bool(who & standings), (role, caller, answer.text)


async def test_the_pages_are_told_what_they_may_offer(scene: Scene) -> None:
    path = f"/api/recordings/{await recorded(scene.world, scene.ids)}"
    told = {
        who: [
            (await scene.browsers[who].get(what)).json()["may"] for what in ("/api/session", path)
        ]
        for who in ("wang", "chen", "li", "admin")
    }
    assert told == {
        "wang": [[], []],
        "chen": [[], []],
        "li": [[], ["change"]],
        "admin": [["administer"], ["change", "see-faults"]],
    }
    assert (await scene.browsers["nobody"].get("/api/session")).json()["may"] == []


def test_the_page_shows_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert permissions_page.main(["--check"]) == 0
    stale = tmp_path / "http_api.md"
    stale.write_text("<!-- generated: rights -->\nold\n<!-- end -->\n", encoding="utf-8")
    assert permissions_page.main(["--check", "--page", str(stale)]) == 1
    assert "stale" in capsys.readouterr().err
