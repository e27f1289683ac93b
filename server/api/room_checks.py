"""The acceptance test's reports, and the line's measure: what rooms send, what IT reads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Query, Request, Response
from fastapi.responses import HTMLResponse, StreamingResponse

from hardware_profiles.doctor.findings import CheckReport, Grade
from hardware_profiles.doctor.page import page
from server.api.access import Room, ServicesOf
from server.api.areas import area
from server.api.fields import Id, View
from server.doctor.server_check import check_server
from server.errors import Refusal, Text, not_found
from server.schools.places import get_classroom
from server.schools.room_checks import KeptCheck, RoomChecks
from server.services import Services

router = area("room checks")

# A measure of some seconds on the quickest line that a school has; more tells nothing.
MOST_DOWN_BYTES = 4_000_000
_BLOCK = bytes(16_384)
# One server's machine is measured by one at a time: two would each find half of it.
_measuring = asyncio.Lock()


class KeptView(View):
    id: str


class RoomCheckView(View):
    """A report in short; `at` is when it came."""

    id: str
    at: float
    verdict: Grade
    words_zh: str
    words_en: str
    machine: str
    faults: int


@router.get("/api/room/line/down", response_class=StreamingResponse)
async def line_down(
    _device: Room,
    bytes_: Annotated[int, Query(alias="bytes", ge=1, le=MOST_DOWN_BYTES)],
) -> StreamingResponse:
    """So many bytes of nothing, for whoever measures what comes down."""

    async def nothing() -> AsyncIterator[bytes]:
        for at in range(0, bytes_, len(_BLOCK)):
            yield _BLOCK[: bytes_ - at]

    return StreamingResponse(nothing(), media_type="application/octet-stream")


@router.post("/api/room/line/up", status_code=204)
async def line_up(request: Request, _device: Room) -> Response:
    """Takes a body and keeps nothing of it, for whoever measures what goes up."""
    async for _block in request.stream():
        pass
    return Response(status_code=204)


@router.post("/api/room/checks", status_code=201)
async def keep_check(body: CheckReport, device: Room, services: ServicesOf) -> KeptView:
    """What `tongke doctor` found in this device's room; the last ten of a room are kept."""
    if body.side != "room":
        raise Refusal(
            422, "not-a-room", Text("这不是教室的检查报告。", "This is no report of a room.")
        )
    check_id = await asyncio.to_thread(
        _checks(services).keep,
        device.classroom.id,
        device.credential_id,
        body,
        services.clock(),
    )
    return KeptView(id=check_id)


@router.get("/api/classrooms/{classroom_id}/checks")
async def checks(classroom_id: Id, services: ServicesOf) -> list[RoomCheckView]:
    """The classroom's reports, the newest first."""
    async with services.database.read() as session:
        await get_classroom(session, classroom_id)
    found = await asyncio.to_thread(_checks(services).of, classroom_id)
    return [_view(kept) for kept in found]


@router.get("/api/classrooms/{classroom_id}/checks/{check_id}")
async def check(classroom_id: Id, check_id: Id, services: ServicesOf) -> CheckReport:
    """One report whole."""
    kept, _ = await _kept(classroom_id, check_id, services)
    return kept.report


@router.get("/api/classrooms/{classroom_id}/checks/{check_id}/page", response_class=HTMLResponse)
async def check_page(classroom_id: Id, check_id: Id, services: ServicesOf) -> HTMLResponse:
    """The same to be printed."""
    kept, where = await _kept(classroom_id, check_id, services)
    return HTMLResponse(page(kept.report, where=where))


@router.get("/api/admin/server/check")
async def server_check(services: ServicesOf) -> CheckReport:
    """This server's machine, tried now: it takes some seconds."""
    return await _measured(services)


@router.get("/api/admin/server/check/page", response_class=HTMLResponse)
async def server_check_page(services: ServicesOf) -> HTMLResponse:
    """The same to be printed."""
    return HTMLResponse(page(await _measured(services)))


async def _measured(services: Services) -> CheckReport:
    condition = services.certificate.condition if services.certificate is not None else None
    async with _measuring:
        return await check_server(
            services.settings, database=services.database, condition=condition
        )


async def _kept(classroom_id: str, check_id: str, services: Services) -> tuple[KeptCheck, str]:
    async with services.database.read() as session:
        classroom = await get_classroom(session, classroom_id)
        where = f"{classroom.school.name} · {classroom.name}"
    kept = await asyncio.to_thread(_checks(services).one, classroom_id, check_id)
    if kept is None:
        raise not_found("检查报告", "report")
    return kept, where


def _checks(services: Services) -> RoomChecks:
    return RoomChecks(services.settings.data_folder)


def _view(kept: KeptCheck) -> RoomCheckView:
    words = kept.report.words
    return RoomCheckView(
        id=kept.id,
        at=kept.at,
        verdict=kept.report.verdict,
        words_zh=words.zh,
        words_en=words.en,
        machine=kept.report.machine,
        faults=sum(finding.verdict in (Grade.WEAK, Grade.BAD) for finding in kept.report.findings),
    )
