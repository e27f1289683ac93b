"""Many schools, classrooms, devices and people from one file: `/api/admin/import`.

The file is the request's body as it is, whatever it is called. It is sent twice: to be looked at,
and, with the digest of what was seen, to be carried out. Nothing is kept in between; of what was
done last the answer, for as long as it may have been lost on its way.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import Query, Request, Response

from server.api.access import Person, ServicesOf, address_for
from server.api.areas import area
from server.api.fields import View
from server.children.once import ChildFailed, ask_once
from server.door.addresses import Reach
from server.errors import Refusal, Text
from server.importing.columns import Column
from server.importing.desk import Looked
from server.importing.handout import handout_csv, key_address, wrong_rows_csv
from server.importing.refused import too_large
from server.importing.table import MOST_BYTES
from server.importing.template import template_csv
from server.importing.wanted import Change, ImportPlan, PlannedRow, Thing
from server.schools.places import room_address

router = area("import", prefix="/api/admin")

# The path whose bodies may be as large as a file; `server.app` tells it to the shield.
PATH = "/api/admin/import"
# Rows that a preview shows: the wrong ones first, then those that change something.
_MOST_SHOWN = 500
_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

Language = Literal["zh", "en"]


class CountView(View):
    """How many things of a kind are made, changed, and left as they are."""

    thing: Thing
    new: int
    changed: int
    same: int


class StepView(View):
    """What a row does to one thing; `before` is what its changed cells replace, by column."""

    thing: Thing
    change: Change
    before: dict[Column, str]


class FaultView(View):
    """What is wrong in a row, and in which column; null for the row as a whole."""

    column: Column | None
    message_zh: str
    message_en: str


class ImportRowView(View):
    """A row of the file, by the number that Excel shows; `cells` with what rows above fill in."""

    number: int
    cells: dict[Column, str]
    steps: list[StepView]
    faults: list[FaultView]


class RightRowsView(View):
    """What the right rows of a file with faults would do alone: `rows` of them, without the
    `left_out` others. `digest` agrees to that; `file` is the others as CSV, with what is wrong."""

    digest: str
    rows: int
    left_out: int
    counts: list[CountView]
    file: str


class PreviewView(View):
    """What a file would do. `rows` are those that are wrong or change something, at most 500;
    `left_out` is how many more there are of these. `unused` are headings that mean nothing here.
    """

    digest: str
    format: str
    rows_read: int
    wrong: int
    counts: list[CountView]
    unused: list[str]
    rows: list[ImportRowView]
    left_out: int
    right: RightRowsView | None


class NewDeviceView(View):
    school: str
    classroom: str
    label: str
    address: str


class NewPersonView(View):
    school: str
    display_name: str
    username: str
    address: str


class ImportedView(View):
    """What was done, and the addresses that are told this once. `file` is the CSV to hand out."""

    counts: list[CountView]
    devices: list[NewDeviceView]
    people: list[NewPersonView]
    keys_expire_at: float
    file: str
    reach: Reach
    other_origins: list[str]


@router.get("/import/template.{form}", response_class=Response)
async def import_template(
    form: Literal["csv", "xlsx"], language: Annotated[Language, Query()] = "zh"
) -> Response:
    """The table to fill in."""
    if form == "csv":
        content = template_csv(chinese=language == "zh")
    else:
        try:
            content = await ask_once("server.importing.template", language.encode())
        except ChildFailed:
            raise Refusal(
                503,
                "template-not-made",
                Text(
                    "此刻无法生成模板，请稍后再试，或下载 CSV 模板。",
                    "The workbook cannot be made just now. Try again later, or take the CSV.",
                ),
                retry_after_s=5.0,
            ) from None
    name = f"tongke-import.{form}"
    return Response(
        content,
        media_type=_TYPES[form],
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


@router.post("/import/preview")
async def preview_import(
    request: Request,
    services: ServicesOf,
    language: Annotated[Language, Query()] = "zh",
) -> PreviewView:
    """What the file in the body would do. Nothing is written."""
    looked = await services.imports.look(await _file_in(request))
    return await asyncio.to_thread(_preview, looked, chinese=language == "zh")


@router.post("/import")
async def carry_out_import(
    request: Request,
    services: ServicesOf,
    administrator: Person,
    *,
    digest: Annotated[str, Query(min_length=64, max_length=64)],
    language: Annotated[Language, Query()] = "zh",
    right_rows: Annotated[bool, Query()] = False,
) -> ImportedView:
    """Do what the file in the body says, all of it or nothing; `digest` is the preview's.

    With `right_rows` what its right rows say, and `digest` is theirs. Refuses (409) when it would
    not do any more what the preview showed, and (422) while a row of it is wrong otherwise. The
    addresses are told this once; who heard no answer asks the same again within ten minutes, and
    is told them, with nothing done twice.
    """
    plan, made = await services.imports.carry_out(
        await _file_in(request),
        person=administrator.id,
        digest=digest,
        right_rows=right_rows,
    )
    await services.lessons.remove_unwelcome()
    base = address_for(request, services)
    return ImportedView(
        counts=_counts(plan),
        devices=[
            NewDeviceView(
                school=one.school,
                classroom=one.classroom,
                label=one.label,
                address=room_address(base.url, one.secret),
            )
            for one in made.devices
        ],
        people=[
            NewPersonView(
                school=one.school,
                display_name=one.display_name,
                username=one.username,
                address=key_address(base.url, one.key),
            )
            for one in made.people
        ],
        keys_expire_at=made.keys_expire_at,
        file=handout_csv(made, base=base.url, chinese=language == "zh"),
        reach=base.reach,
        other_origins=[one for one in services.addresses.for_others() if one != base.url],
    )


async def _file_in(request: Request) -> bytes:
    data = await request.body()
    if len(data) > MOST_BYTES:
        raise too_large()
    return data


def _preview(looked: Looked, *, chinese: bool) -> PreviewView:
    plan, right = looked.plan, looked.right
    shown = [row for row in plan.rows if row.faults]
    shown += [row for row in plan.rows if not row.faults and _does_something(row)]
    return PreviewView(
        digest=plan.digest,
        format=plan.table.format,
        rows_read=len(plan.rows),
        wrong=plan.wrong,
        counts=_counts(plan),
        unused=list(plan.table.unused)[:20],
        rows=[_row(row) for row in shown[:_MOST_SHOWN]],
        left_out=max(0, len(shown) - _MOST_SHOWN),
        right=RightRowsView(
            digest=right.digest,
            rows=len(right.rows),
            left_out=len(looked.left_out),
            counts=_counts(right),
            file=wrong_rows_csv(looked.left_out, chinese=chinese),
        )
        if right
        else None,
    )


def _does_something(row: PlannedRow) -> bool:
    return any(step.change is not Change.SAME for step in row.steps)


def _counts(plan: ImportPlan) -> list[CountView]:
    return [
        CountView(
            thing=thing,
            new=count[Change.NEW],
            changed=count[Change.CHANGED],
            same=count[Change.SAME],
        )
        for thing, count in plan.counts.items()
    ]


def _row(row: PlannedRow) -> ImportRowView:
    return ImportRowView(
        number=row.number,
        cells=row.cells,
        steps=[
            StepView(thing=step.thing, change=step.change, before=dict(step.before))
            for step in row.steps
        ],
        faults=[
            FaultView(column=fault.column, message_zh=fault.text.zh, message_en=fault.text.en)
            for fault in row.faults
        ],
    )
