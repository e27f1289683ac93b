"""A table comes in over HTTP: looked at first, carried out whole or not at all, twice as once."""

from __future__ import annotations

import csv
import io
from typing import Any

import httpx
import pytest

from server.api import imports
from server.children.once import ChildLate
from server.importing.desk import ASKED_AGAIN_S
from server.importing.handout import csv_text, harmless
from tests.unit.server.importing.workbooks import workbook
from tests.unit.server.world import PASSWORD, World, post

HEAD = "学校,学校类型,教室,硬件配置,设备,姓名,用户名,角色"
COUNTY = f"""{HEAD}
实验小学,城市,三（2）班,,教室电脑,李老师,liwei,
青山小学,乡村,媒体教室,,教室电脑,王老师,wang,教师
,,二号教室,,教室电脑
-,,,,,局管理员,bureau,管理员
"""


async def look(admin: httpx.AsyncClient, file: str | bytes) -> dict[str, Any]:
    """What a file would do."""
    answer = await admin.post("/api/admin/import/preview", content=_bytes(file))
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def carry_out(admin: httpx.AsyncClient, file: str | bytes, digest: str) -> httpx.Response:
    path = f"/api/admin/import?digest={digest}"
    return await admin.post(path, content=_bytes(file))


async def imported(admin: httpx.AsyncClient, file: str | bytes) -> dict[str, Any]:
    """A file looked at and carried out."""
    answer = await carry_out(admin, file, (await look(admin, file))["digest"])
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def _bytes(file: str | bytes) -> bytes:
    return file if isinstance(file, bytes) else file.encode()


def counted(told: dict[str, Any]) -> dict[str, tuple[int, int, int]]:
    return {one["thing"]: (one["new"], one["changed"], one["same"]) for one in told["counts"]}


async def everything(admin: httpx.AsyncClient) -> list[Any]:
    return [(await admin.get(f"/api/{kind}")).json() for kind in ("schools", "classrooms", "users")]


async def test_a_preview_tells_and_writes_nothing(admin: httpx.AsyncClient) -> None:
    before = await everything(admin)
    told = await look(admin, COUNTY)
    assert counted(told) == {
        "school": (2, 0, 0),
        "classroom": (3, 0, 0),
        "device": (3, 0, 0),
        "person": (3, 0, 0),
    }
    assert [row["number"] for row in told["rows"]] == [2, 3, 4, 5]
    assert told["rows"][2]["cells"]["school"] == "青山小学"
    assert (told["wrong"], told["left_out"], told["format"]) == (0, 0, "CSV, UTF-8")
    assert await everything(admin) == before


async def test_what_was_agreed_to_is_made_in_the_tables_order(
    world: World, admin: httpx.AsyncClient
) -> None:
    told = await imported(admin, COUNTY)
    schools, rooms, people = await everything(admin)
    assert [(one["name"], one["kind"]) for one in schools] == [
        ("实验小学", "urban"),
        ("青山小学", "rural"),
    ]
    assert [one["name"] for one in rooms] == ["三（2）班", "媒体教室", "二号教室"]
    assert {one["username"]: (one["role"], one["school_id"]) for one in people} == {
        "admin": ("administrator", None),
        "liwei": ("teacher", schools[0]["id"]),
        "wang": ("teacher", schools[1]["id"]),
        "bureau": ("administrator", None),
    }
    # each address opens its own door
    device = await world.browser("10.0.0.8")
    secret = told["devices"][1]["address"].partition("#credential=")[2]
    asked = await device.get("/api/room", headers={"authorization": f"Bearer {secret}"})
    assert asked.json()["classroom"]["name"] == "媒体教室"
    browser = await world.browser("10.0.0.9")
    key = told["people"][0]["address"].partition("#key=")[2]
    entered = await browser.post("/api/session/key", json={"key": key})
    assert entered.json()["user"]["username"] == "liwei"
    again = await browser.post("/api/session/key", json={"key": key})
    assert again.status_code == 403


async def test_who_comes_in_by_an_address_chooses_the_first_password_once(
    world: World, admin: httpx.AsyncClient
) -> None:
    told = await imported(admin, COUNTY)
    browser = await world.browser("10.0.0.9")
    key = told["people"][0]["address"].partition("#key=")[2]
    entered = await browser.post("/api/session/key", json={"key": key})
    assert entered.json()["user"]["has_password"] is False
    first = await browser.post("/api/session/password", json={"password": PASSWORD})
    assert first.status_code == 204
    own = (await (await world.signed_in("liwei")).get("/api/session")).json()["user"]
    assert own["has_password"] is True
    second = await browser.post("/api/session/password", json={"password": "another horse"})
    assert (second.status_code, set(second.json()["fields"])) == (422, {"current_password"})


async def test_the_same_file_twice_changes_nothing(admin: httpx.AsyncClient) -> None:
    await imported(admin, COUNTY)
    before = await everything(admin)
    told = await look(admin, COUNTY)
    assert told["rows"] == []
    assert all(new == changed == 0 for new, changed, _ in counted(told).values())
    again = (await carry_out(admin, COUNTY, told["digest"])).json()
    assert (again["devices"], again["people"]) == ([], [])
    assert await everything(admin) == before


async def test_the_same_table_from_excel_is_the_same(admin: httpx.AsyncClient) -> None:
    await imported(admin, COUNTY)
    rows = [row.split(",") for row in COUNTY.splitlines()]
    told = await look(admin, workbook(rows, merged="A3:A4"))
    assert (told["rows"], told["format"]) == ([], "Excel")


async def test_changes_are_told_and_made(
    admin: httpx.AsyncClient, community: dict[str, str]
) -> None:
    file = "School,Kind,Room,Profile,Name,Account\n青山小学,urban,1号教室,audio-only,李老师,wang\n"
    told = await look(admin, file)
    (row,) = told["rows"]
    assert [(step["thing"], step["change"], step["before"]) for step in row["steps"]] == [
        ("school", "changed", {"kind": "rural"}),
        ("classroom", "changed", {"profile": "standard"}),
        ("person", "changed", {"person": "王老师"}),
    ]
    await imported(admin, file)
    schools, rooms, people = await everything(admin)
    assert {one["id"]: one["kind"] for one in schools}[community["rural_1"]] == "urban"
    assert {one["id"]: one["profile"] for one in rooms}[community["room_1"]] == "audio-only"
    assert {one["id"]: one["display_name"] for one in people}[community["wang"]] == "李老师"


async def test_a_wrong_row_is_told_and_nothing_of_the_rest_is_written(
    admin: httpx.AsyncClient,
) -> None:
    before = await everything(admin)
    file = COUNTY + "远山小学,,一班\n"
    told = await look(admin, file)
    assert told["wrong"] == 1
    assert told["rows"][0]["number"] == 6  # the wrong ones come first
    (fault,) = told["rows"][0]["faults"]
    assert (fault["column"], bool(fault["message_zh"])) == ("kind", True)
    answer = await carry_out(admin, file, told["digest"])
    assert (answer.status_code, answer.json()["code"]) == (422, "rows-wrong")
    assert await everything(admin) == before


async def test_what_would_do_something_else_now_is_not_done(admin: httpx.AsyncClient) -> None:
    told = await look(admin, COUNTY)
    await post(admin, "/api/schools", {"name": "青山小学", "kind": "rural"})
    before = await everything(admin)
    answer = await carry_out(admin, COUNTY, told["digest"])
    assert (answer.status_code, answer.json()["code"]) == (409, "plan-changed")
    assert await everything(admin) == before


async def test_whose_answer_was_lost_asks_again_and_nothing_is_done_twice(
    world: World, admin: httpx.AsyncClient
) -> None:
    told = await look(admin, COUNTY)
    first = await carry_out(admin, COUNTY, told["digest"])
    stands = await everything(admin)
    again = await carry_out(admin, COUNTY, told["digest"])
    assert again.json() == first.json()
    assert len(again.json()["devices"]) == 3  # the same addresses, which are good
    assert await everything(admin) == stands
    # Nobody else hears them, nor anybody for what was agreed to otherwise, nor later.
    other = await world.browser("10.0.0.9")
    (address,) = [one["address"] for one in first.json()["people"] if one["username"] == "bureau"]
    await post(other, "/api/session/key", {"key": address.partition("#key=")[2]})
    refused = await carry_out(other, COUNTY, told["digest"])
    assert refused.json()["code"] == "plan-changed"
    world.clock.pass_s(ASKED_AGAIN_S)
    refused = await carry_out(admin, COUNTY, told["digest"])
    assert refused.json()["code"] == "plan-changed"


async def test_a_failure_in_the_middle_leaves_nothing_behind(
    admin: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_args: object, **_more: object) -> dict[str, str]:
        raise RuntimeError("the keys cannot be made")

    before = await everything(admin)
    told = await look(admin, COUNTY)
    monkeypatch.setattr("server.importing.carry_out.mint_sign_in_keys", broken)
    assert (await carry_out(admin, COUNTY, told["digest"])).status_code == 500
    assert await everything(admin) == before


async def test_who_is_made_an_administrator_signs_in_anew(
    world: World, admin: httpx.AsyncClient, community: dict[str, str]
) -> None:
    wang = await world.signed_in("wang")
    await imported(admin, "用户名,学校,角色\nwang,青山小学,管理员\n")
    assert (await wang.get("/api/session")).json()["user"] is None
    assert (await world.signed_in("wang", PASSWORD)) is not None


@pytest.mark.parametrize(
    ("file", "status", "code"),
    [
        (b"", 422, "file-empty"),
        (b"PK\x03\x04", 422, "file-damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 422, "file-old-excel"),
        (b"name\nx\n", 422, "file-no-headings"),
        (b"x" * (5 * 1024 * 1024 + 1), 413, "too-large"),
    ],
)
async def test_what_is_no_table_is_refused_in_words(
    admin: httpx.AsyncClient, file: bytes, status: int, code: str
) -> None:
    answer = await admin.post("/api/admin/import/preview", content=file)
    told = answer.json()
    assert (answer.status_code, told["code"]) == (status, code)
    assert told["message_zh"]
    assert told["message_en"]


async def test_a_busy_machine_is_no_fault_of_the_file(
    admin: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def late(_module: str, _given: bytes) -> bytes:
        raise ChildLate("took longer")

    monkeypatch.setattr("server.importing.desk.ask_once", late)
    answer = await admin.post("/api/admin/import/preview", content=COUNTY.encode())
    assert (answer.status_code, answer.json()["code"]) == (503, "import-busy")
    assert answer.headers["retry-after"] == "30"


async def test_nobody_else_sends_a_file_that_is_large(world: World) -> None:
    """It is not read before it is known who sends it."""
    stranger = await world.browser()
    sent = 0

    async def body() -> Any:
        nonlocal sent
        for _ in range(4):
            sent += 1
            yield bytes(1 << 20)

    answer = await stranger.post("/api/admin/import/preview", content=body())
    assert answer.status_code == 401
    assert sent == 0


@pytest.mark.parametrize(("form", "language"), [("csv", "en"), ("xlsx", "zh")])
async def test_the_template_is_there_to_be_filled_in(
    admin: httpx.AsyncClient, form: str, language: str
) -> None:
    answer = await admin.get(f"/api/admin/import/template.{form}?language={language}")
    assert answer.status_code == 200
    assert f"tongke-import.{form}" in answer.headers["content-disposition"]
    assert (await look(admin, answer.content))["rows_read"] == 0


async def test_300_rooms_and_their_file_to_hand_out(admin: httpx.AsyncClient) -> None:
    rows = [f"学校{n // 3},乡村,{n % 3}号教室,,教室电脑,教师{n},teacher{n}," for n in range(300)]
    told = await imported(admin, "\n".join([HEAD, *rows]))
    assert (len(told["devices"]), len(told["people"])) == (300, 300)
    assert told["file"].startswith('\ufeff"学校",')
    read = list(csv.reader(io.StringIO(told["file"].removeprefix("\ufeff"))))
    assert len(read) == 601
    addresses = [one["address"] for one in [*told["devices"], *told["people"]]]
    assert [row[3] for row in read[1:]] == addresses
    assert len(set(addresses)) == 600


async def test_a_preview_is_bounded(
    admin: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "_MOST_SHOWN", 2)
    told = await look(admin, COUNTY)
    assert (len(told["rows"]), told["left_out"]) == (2, 2)


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "＝1"])
def test_no_cell_of_the_file_runs(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"
    assert next(csv.reader(io.StringIO(csv_text([[cell]])[1:])))[0].startswith("'")


@pytest.mark.parametrize("separator", ",;\t|")
def test_no_cell_of_the_file_runs_whatever_separates_them(separator: str) -> None:
    """As Excel reads it where lists have semicolons, and LibreOffice with all it offers."""
    names = ["一班;=1+1", "二班; @SUM(1)", "三班,+1", "四班|-1", '五班";=1', "=2;=3", "六班;x=1"]
    text = csv_text([[name, f"{name} "] for name in names]).removeprefix("\ufeff")
    for quotes in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
        read = csv.reader(io.StringIO(text), delimiter=separator, quoting=quotes)
        cells = [cell.strip(' "') for row in read for cell in row]
        assert not [cell for cell in cells if cell.startswith(tuple("=+-@"))]
    assert [row[0] for row in csv.reader(io.StringIO(text))][-1] == names[-1]


async def test_names_that_begin_like_formulas_are_kept_and_handed_out_as_text(
    admin: httpx.AsyncClient,
) -> None:
    told = await imported(admin, f"{HEAD}\n=HYPERLINK(1),乡村,@教室,,+电脑\n")
    read = list(csv.reader(io.StringIO(told["file"].removeprefix("\ufeff"))))
    assert read[1][:3] == ["'=HYPERLINK(1)", "'@教室", "'+电脑"]
    assert (await admin.get("/api/schools")).json()[0]["name"] == "=HYPERLINK(1)"


LEANING = f"""{HEAD}
实验小学,城市,三（2）班,,教室电脑,李老师,liwei,
远山小学,,一班,,教室电脑,王老师,wang,
,,二班,,教室电脑
青山小学,乡村,媒体教室,没有的配置,,,,
青山小学,,媒体教室,,教室电脑
-,,,,,张老师,=zhang,
"""


async def agreed(admin: httpx.AsyncClient, file: str, digest: str) -> httpx.Response:
    path = f"/api/admin/import?digest={digest}&right_rows=true"
    return await admin.post(path, content=file.encode())


async def test_right_rows_are_imported_without_the_wrong_ones_and_what_leans_on_them(
    admin: httpx.AsyncClient,
) -> None:
    told = await look(admin, LEANING)
    right = told["right"]
    # Row 5 alone said which kind of school 青山小学 is: row 6 leans on it.
    assert (told["wrong"], right["rows"], right["left_out"]) == (4, 1, 5)
    assert counted(right) == {
        "school": (1, 0, 0),
        "classroom": (1, 0, 0),
        "device": (1, 0, 0),
        "person": (1, 0, 0),
    }
    answer = await agreed(admin, LEANING, right["digest"])
    assert answer.status_code == 200, answer.text
    assert [one["username"] for one in answer.json()["people"]] == ["liwei"]
    schools, rooms, _ = await everything(admin)
    assert ([one["name"] for one in schools], len(rooms)) == (["实验小学"], 1)


async def test_wrong_rows_come_as_a_table_that_says_why_and_is_read_again(
    admin: httpx.AsyncClient,
) -> None:
    file = (await look(admin, LEANING))["right"]["file"]
    head, *rows = csv.reader(io.StringIO(file.removeprefix("\ufeff")))
    assert head[-2:] == ["原表行号", "哪里不对"]
    assert [row[-2] for row in rows] == ["3", "4", "5", "6", "7"]
    assert [row[0] for row in rows[:2]] == ["远山小学", "远山小学"]  # also where it was left empty
    assert rows[0][-1].startswith("学校类型：")
    assert rows[4][6] == "'=zhang"  # no table program runs it
    assert rows[4][0] == "-"  # of no school, still
    mended = file.replace('"远山小学",""', '"远山小学","乡村"').replace("没有的配置", "")
    again = await look(admin, mended.replace("'=zhang", "zhang"))
    assert again["unused"] == head[-2:]
    assert [row["faults"] for row in again["rows"]] == [[]] * 5
    assert counted(again)["school"] == (2, 0, 0)


async def test_right_rows_are_agreed_to_by_their_own_digest(admin: httpx.AsyncClient) -> None:
    told = await look(admin, LEANING)
    before = await everything(admin)
    for answer, code in (
        (await carry_out(admin, LEANING, told["right"]["digest"]), "rows-wrong"),
        (await agreed(admin, LEANING, told["digest"]), "plan-changed"),
    ):
        assert answer.json()["code"] == code
    assert await everything(admin) == before
    assert (await look(admin, COUNTY))["right"] is None  # all of it is right
    assert (await look(admin, f"{HEAD}\n远山小学,,一班\n"))["right"] is None  # nothing is
