"""How long recordings are kept: what a rule does when, what it may not touch, and its undoing."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner, Result

from recorder.put_aside import WHOLE
from recorder.recording_folder import MANIFEST
from recorder.stored_pieces import read_ledger
from recorder.verification import ArchiveCondition, verify
from server.archive_cli import archive
from server.archive_plan import DEEDS, OBSTACLES, RULES
from server.database.deletion import DAY_S
from server.database.models import Community, Recording, RecordingPhase, Retention
from server.recordings.object_store import REMOVED, ObjectStore
from server.recordings.retention import Deed, Obstacle, QuotaState, judge
from server.recordings.retiring import BROUGHT_BACK, BY_HAND, KEPT, Retirement
from server.recordings.uploading import Uploads
from tests.unit.server.recordings.faulty_objects import FaultyObjects
from tests.unit.server.recordings.recorded import Ids
from tests.unit.server.recordings.retained import (
    PROGRAM_FILM,
    SEATS_FILM,
    UNDO_S,
    Killed,
    a_due_recording,
    a_judged_recording,
    a_month_later,
    a_recording,
    dies,
    rule,
    sweep,
    told,
)
from tests.unit.server.world import World, post


def measured(world: World, name: str, **labels: str) -> float | None:
    return world.services.metrics.registry.get_sample_value(name, labels)


# --- the rule -----------------------------------------------------------------------------------


def row(**changes: Any) -> Recording:
    usual: dict[str, Any] = {
        "id": "r",
        "title": "t",
        "started_at": 1000.0,
        "duration_s": 100.0,
        "state": RecordingPhase.READY,
        "size_bytes": 10,
        "program_bytes": 4,
        "deleted_at": None,
        "put_aside_at": None,
        "dropped_at": None,
        "by_rule": False,
        "spared": False,
    }
    return Recording(**{**usual, **changes})


DUE = 1100.0 + 7 * DAY_S
JUDGED = [
    (Retention.KEEP, {}, None),
    (Retention.DELETE, {}, (Deed.DELETE, DUE, 10, None)),
    (Retention.PROGRAM, {}, (Deed.PUT_ASIDE, DUE, 6, None)),
    (Retention.PROGRAM, {"program_bytes": 0}, (Deed.PUT_ASIDE, DUE, 10, Obstacle.NO_PROGRAM)),
    (Retention.PROGRAM, {"dropped_at": 5.0}, None),
    (Retention.DELETE, {"dropped_at": 5.0}, (Deed.DELETE, DUE, 10, None)),
    (Retention.DELETE, {"spared": True}, (Deed.DELETE, DUE, 10, Obstacle.SPARED)),
    (Retention.DELETE, {"state": RecordingPhase.RECORDING}, None),
    (
        Retention.DELETE,
        {"state": RecordingPhase.FAILED},
        (Deed.DELETE, DUE, 10, Obstacle.UNFINISHED),
    ),
    (Retention.KEEP, {"deleted_at": 50.0}, (Deed.PURGE, 50.0 + UNDO_S, 10, None)),
    (Retention.KEEP, {"put_aside_at": 50.0}, (Deed.DROP, 50.0 + UNDO_S, 6, None)),
]


@pytest.mark.parametrize(("retention", "changes", "expected"), JUDGED)
def test_a_rule_says_what_when_and_why_not(
    retention: Retention, changes: dict[str, Any], expected: tuple[Any, ...] | None
) -> None:
    community = Community(id="c", name="C", retention=retention, retention_days=7)
    found = judge(row(**changes), community, kept_s=UNDO_S)
    assert expected == (found and (found.deed, found.at, found.bytes, found.obstacle))


def test_without_a_community_and_in_a_deleted_one_all_is_kept() -> None:
    assert judge(row(), None, kept_s=UNDO_S) is None
    gone = Community(id="c", name="C", retention=Retention.DELETE, retention_days=1, deleted_at=1.0)
    assert judge(row(), gone, kept_s=UNDO_S) is None


def test_every_word_of_the_command_is_there() -> None:
    assert set(DEEDS) == {*Deed, KEPT, BROUGHT_BACK}
    assert set(OBSTACLES) == set(Obstacle)
    assert set(RULES) == {*Retention, BY_HAND}


# --- deleted by a rule --------------------------------------------------------------------------


async def test_it_is_deleted_when_its_days_are_over_and_gone_when_nobody_wants_it_back(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    folder = await a_recording(world, community)
    await rule(admin, community, retention="delete", retention_days=7)
    (planned,) = (await told(admin))["planned"]
    assert (planned["deed"], planned["rule"], planned["days"]) == ("delete", "delete", 7)
    assert planned["bytes"] == len(SEATS_FILM) + len(PROGRAM_FILM) + 3
    world.clock.pass_s(planned["at"] - world.clock() - 7200)
    await sweep(world)
    assert (await admin.get("/api/recordings/rec1")).status_code == 200, "its time has not come"
    await sweep(world)
    assert (await admin.get("/api/recordings/rec1")).status_code == 404
    assert (folder / "part-1.mp4").exists(), "it can come back"
    (planned,) = (await told(admin))["planned"]
    assert (planned["deed"], planned["undoable"], planned["rule"]) == ("purge", True, "delete")
    admin = await a_month_later(world)
    assert not folder.exists()
    found = await told(admin)
    assert found["planned"] == []
    assert [(one["act"], one["rule"], one["days"]) for one in found["acts"]] == [
        ("purge", "delete", 7),
        ("delete", "delete", 7),
    ]
    assert {one["title"] for one in found["acts"]} == {"圆的面积"}


async def test_what_is_brought_back_stays(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    await a_judged_recording(world, admin, community, "delete")
    world.clock.pass_s(60.0)
    said = await admin.post("/api/admin/archive/rec1/restore")
    assert said.status_code == 204
    await sweep(world)
    assert (await admin.get("/api/recordings/rec1")).status_code == 200
    found = await told(admin)
    assert [one["obstacle"] for one in found["kept"]] == ["spared"]
    assert found["acts"][0]["act"] == "brought-back"
    again = await admin.post("/api/admin/archive/rec1/restore")
    assert again.status_code == 404, "there is nothing to undo"


async def test_the_list_of_what_was_deleted_spares_it_as_well(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    await a_judged_recording(world, admin, community, "delete")
    await post(admin, "/api/deleted/recordings/rec1/restore", {})
    await sweep(world)
    assert (await admin.get("/api/recordings/rec1")).status_code == 200


async def test_what_somebody_deleted_is_told_to_be_by_hand(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    folder = await a_recording(world, community)
    (folder / "part-1.mp4").unlink()  # whoever deletes it by hand may know why
    assert (await admin.delete("/api/recordings/rec1")).status_code == 204
    admin = await a_month_later(world)
    assert not folder.exists()
    (act,) = (await told(admin))["acts"]
    assert (act["act"], act["rule"], act["days"]) == ("purge", BY_HAND, None)


# --- what cannot be read ------------------------------------------------------------------------


def a_file_is_gone(folder: Path) -> None:
    (folder / "part-1.mp4").unlink()


def its_manifest_is_torn(folder: Path) -> None:
    (folder / MANIFEST).write_bytes((folder / MANIFEST).read_bytes()[:-9])


def it_is_of_a_newer_version(folder: Path) -> None:
    members = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps(members | {"version": 2}))


def a_track_holds_more(folder: Path) -> None:
    members = json.loads((folder / MANIFEST).read_text())
    missing = {"seat_id": "lead", "source": "teacher", "file": "lead-1.mp4"}
    (folder / MANIFEST).write_text(json.dumps(members | {"missing": [missing]}))


def its_disk_is_away(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


def a_file_is_shorter(folder: Path) -> None:
    (folder / "part-1.mp4").write_bytes(SEATS_FILM[:-1])


UNREADABLE = [
    (a_file_is_gone, "damaged"),
    (a_file_is_shorter, "damaged"),
    (its_manifest_is_torn, "unreadable"),
    (it_is_of_a_newer_version, "unreadable"),
    (a_track_holds_more, "tracks"),
    (its_disk_is_away, "unreadable"),
]


@pytest.mark.parametrize("case", [*UNREADABLE, (a_file_is_gone, "damaged", "program")])
async def test_what_cannot_be_read_is_kept_and_told(
    world: World, admin: httpx.AsyncClient, community: Ids, case: tuple[Any, ...]
) -> None:
    harm, obstacle, *others = case
    (retention,) = others or ("delete",)
    folder = await a_recording(world, community)
    await rule(admin, community, retention=retention, retention_days=1)
    harm(folder)
    left = {path.name for path in world.settings.recordings.rglob("*")}
    world.clock.pass_s(2 * DAY_S)
    with capture_logs() as logs:
        await sweep(world)
    assert {path.name for path in world.settings.recordings.rglob("*")} == left
    assert (await admin.get("/api/recordings/rec1")).status_code == 200
    found = await told(admin)
    assert [one["obstacle"] for one in found["kept"]] == [obstacle]
    assert measured(world, "tongke_archive_kept", reason=obstacle) == 1
    assert [one["why"] for one in logs if one["event"].startswith("a recording is kept")] == [
        obstacle
    ]
    assert found["acts"] == []


async def test_what_a_rule_deleted_and_then_cannot_be_read_is_not_gone_for_good(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    folder = await a_judged_recording(world, admin, community, "delete")
    its_manifest_is_torn(folder)
    admin = await a_month_later(world)
    assert (folder / "part-1.mp4").exists()
    assert (await admin.get("/api/recordings/rec1")).status_code == 200
    assert [one["act"] for one in (await told(admin))["acts"]] == [KEPT, "delete"]


# --- the program alone --------------------------------------------------------------------------


async def test_the_program_alone_is_kept_and_the_rest_can_come_back(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    folder = await a_judged_recording(world, admin, community, "program")

    async def given() -> list[int]:
        names = ("part-1.mp4", "part-2.mp4", "poster.jpg")
        return [(await admin.get(f"/media/recordings/rec1/{name}")).status_code for name in names]

    assert await given() == [404, 200, 200]
    view = (await admin.get("/api/recordings/rec1")).json()
    assert (view["parts"], len(view["program"])) == ([], 1)
    assert verify(folder).condition is ArchiveCondition.WHOLE
    assert (await admin.post("/api/admin/archive/rec1/restore")).status_code == 204
    assert await given() == [200, 200, 200]
    assert not (folder / WHOLE).exists()
    await sweep(world)
    assert await given() == [200, 200, 200], "who brought it back wants it kept"


async def test_what_was_put_aside_goes_and_the_program_stays(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    folder = await a_judged_recording(world, admin, community, "program")
    (usage,) = (await told(admin))["communities"]
    assert usage["used_bytes"] > len(SEATS_FILM), "its room is not free yet"
    admin = await a_month_later(world)
    await sweep(world)
    left = {path.name for path in folder.iterdir() if path.suffix in {".mp4", ".jpg"}}
    assert left == {"part-2.mp4", "poster.jpg"}
    assert not (folder / WHOLE).exists()
    assert verify(folder).condition is ArchiveCondition.WHOLE
    found = await told(admin)
    assert [one["act"] for one in found["acts"]] == ["drop", "put-aside"]
    assert found["communities"][0]["used_bytes"] == len(PROGRAM_FILM) + 3
    assert (await admin.post("/api/admin/archive/rec1/restore")).status_code == 404


async def test_what_was_put_aside_stays_while_the_program_is_damaged(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    """It would be all that is left of the lesson."""
    folder = await a_judged_recording(world, admin, community, "program")
    (folder / "part-2.mp4").write_bytes(PROGRAM_FILM[:-1] + b"?")
    admin = await a_month_later(world)
    assert (folder / "part-1.mp4").read_bytes() == SEATS_FILM
    assert [one["obstacle"] for one in (await told(admin))["kept"]] == ["damaged"]
    (folder / "part-2.mp4").write_bytes(PROGRAM_FILM)
    await sweep(world)
    assert not (folder / "part-1.mp4").exists()


async def test_a_server_that_dies_between_two_steps_goes_on(
    world: World, admin: httpx.AsyncClient, community: Ids, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each step of putting aside and dropping; the program plays the while."""
    folder = await a_due_recording(world, admin, community, "program")

    for target in (
        "server.recordings.retiring.take_manifest",
        "server.recordings.retiring.names_aside",
        "server.recordings.retiring.forget_aside",
    ):
        with monkeypatch.context() as patched:
            patched.setattr(target, dies)
            with pytest.raises(Killed):
                for _ in range(2):
                    await world.services.retirement.carry_out(world.clock())
                    world.clock.pass_s(UNDO_S + 1)
        assert (folder / "part-2.mp4").read_bytes() == PROGRAM_FILM
    await world.services.retirement.carry_out(world.clock())
    assert not (folder / "part-1.mp4").exists()
    assert not (folder / WHOLE).exists()
    assert verify(folder).condition is ArchiveCondition.WHOLE


async def test_in_an_object_store_the_rest_goes_there_too(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    folder = await a_recording(world, community)
    objects = FaultyObjects()
    root = world.settings.recordings
    uploads = Uploads(objects, root, spool_bytes=1 << 40, piece_bytes=1 << 18)
    store = ObjectStore(objects, root, uploads)
    retirement = Retirement(world.services.database, store, root, kept_s=UNDO_S)
    world.app.state.services = dataclasses.replace(
        world.services, store=store, retirement=retirement
    )
    await uploads.send("rec1")
    assert not (folder / "part-1.mp4").exists()
    await rule(admin, community, retention="program", retention_days=1)
    world.clock.pass_s(2 * DAY_S)
    await sweep(world)
    await uploads.send("rec1")
    world.clock.pass_s(UNDO_S)
    objects.fault = lambda call, _key: "before" if call == "delete" else ""
    await sweep(world)
    await store.removed()
    assert list((root / REMOVED).glob("*.json")), "what the store refused waits"
    objects.fault = lambda _call, _key: ""
    await sweep(world)
    await store.removed()
    await uploads.send("rec1")
    assert not [key for key in objects.held if "part-1.mp4" in key]
    index = json.loads(objects.held["rec1/index.json"])
    assert set(index["whole"]) >= {"part-2.mp4", MANIFEST}
    assert "part-1.mp4" not in index["whole"]
    kept = [key for key in sorted(objects.held) if "part-2.mp4" in key]
    assert b"".join(objects.held[key] for key in kept) == PROGRAM_FILM
    assert "part-1.mp4" not in read_ledger(folder).pieces
    assert verify(folder).condition is ArchiveCondition.WHOLE


# --- quotas, and what is refused ----------------------------------------------------------------


async def test_a_quota_is_warned_of_once_and_nothing_is_deleted_for_it(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    folder = await a_recording(world, community)
    used = len(SEATS_FILM) + len(PROGRAM_FILM) + 3
    for share, state in ((0.5, "free"), (0.9, "near"), (1.1, "over")):
        with capture_logs() as logs:
            await rule(admin, community, quota_gb=used / share / 1e9)
            (usage,) = (await told(admin))["communities"]
            assert (usage["quota"], usage["used_bytes"], usage["recordings"]) == (state, used, 1)
            (listed,) = (await admin.get("/api/communities")).json()
            assert listed["quota"] == state
            await sweep(world)
            await sweep(world)
        warned = [one["state"] for one in logs if "quota_bytes" in one]
        assert warned == ([] if state == QuotaState.FREE else [state])
        for each in ("near", "over"):
            assert measured(world, "tongke_archive_quotas", state=each) == (each == state)
    await rule(admin, community, quota_gb=None)
    assert (await told(admin))["communities"][0]["quota_bytes"] is None
    assert (folder / "part-1.mp4").exists()


REFUSED = [
    ({"retention": "delete"}, "retention_days"),
    ({"retention": "program", "retention_days": None}, "retention_days"),
    ({"retention": "delete", "retention_days": 0}, "retention_days"),
    ({"retention": "burn", "retention_days": 5}, "retention"),
    ({"quota_gb": 0}, "quota_gb"),
    ({"quota_gb": -3}, "quota_gb"),
]


@pytest.mark.parametrize(("changes", "field"), REFUSED)
async def test_a_rule_that_is_none_is_refused_at_its_field(
    world: World, admin: httpx.AsyncClient, community: Ids, changes: dict[str, Any], field: str
) -> None:
    address = f"/api/communities/{community['community']}"
    said = await admin.patch(address, json=changes)
    assert said.status_code == 422
    assert field in json.dumps(said.json())
    (kept,) = [one for one in (await admin.get("/api/communities")).json() if one["id"] in address]
    assert (kept["retention"], kept["retention_days"], kept["quota_gb"]) == ("keep", None, None)


# --- on the command line ------------------------------------------------------------------------


async def test_the_command_tells_the_plan_and_the_history_and_brings_back(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    if world.settings.database_url:
        return  # the command opens the database of the settings; which one it is changes nothing

    async def run(*arguments: str) -> Result:
        command = [*arguments, "--data-folder", str(world.settings.data_folder)]
        return await asyncio.to_thread(lambda: CliRunner().invoke(archive, command))

    folder = await a_recording(world, community)
    await rule(admin, community, retention="program", retention_days=1)
    said = await run("plan", "--json")
    assert said.exit_code == 0, said.output
    told_plan = json.loads(said.stdout)
    assert (told_plan["recording_id"], told_plan["deed"]) == ("rec1", "put-aside")
    assert "after 1 days the program alone" in (await run("plan")).stdout
    world.clock.pass_s(2 * DAY_S)
    await sweep(world)
    assert json.loads((await run("history", "--json")).stdout)["act"] == "put-aside"
    said = await run("restore", "rec1", "nonesuch")
    assert (said.exit_code, "brought back" in said.stdout) == (2, True)
    assert not (folder / WHOLE).exists()
    view = (await admin.get("/api/recordings/rec1")).json()
    assert len(view["parts"]) == 1
    assert (await run("restore", "rec1")).exit_code == 2, "there is nothing to undo"
