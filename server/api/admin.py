"""What only administrators see: deletions to undo, lessons going on (measures: `stats.py`)."""

from __future__ import annotations

from server.api.access import ServicesOf
from server.api.areas import area
from server.api.fields import Id, View
from server.api.lesson_views import LessonView, lesson_view
from server.database.deletion import Kind
from server.errors import not_found
from server.lessons.bars import bars_of
from server.lessons.timetable import lessons_in_progress
from server.services import DELETION
from signaling.protocol.messages import RemovedBearer, SeatState

router = area("admin", prefix="/api")


class RestoredView(View):
    kind: Kind
    id: str


class DeletedView(View):
    kind: Kind
    id: str
    name: str
    deleted_at: float


class LiveLessonView(View):
    lesson: LessonView
    seats: list[SeatState]
    removed: list[RemovedBearer]


class LiveView(View):
    lessons: list[LiveLessonView]
    lessons_admitted: int
    classrooms_online: int
    server_time: float


@router.get("/deleted")
async def deleted(services: ServicesOf) -> list[DeletedView]:
    """What was deleted and can still come back, the latest first."""
    async with services.database.read() as session:
        return [
            DeletedView(kind=each.kind, id=each.id, name=each.name, deleted_at=each.deleted_at)
            for each in await DELETION.deleted(session)
        ]


@router.post("/deleted/{kind}/{row_id}/restore")
async def restore(kind: Kind, row_id: Id, services: ServicesOf) -> RestoredView:
    """Undo a deletion."""
    async with services.database.write() as session:
        await DELETION.restore(session, kind, row_id)
    return RestoredView(kind=kind, id=row_id)


@router.get("/admin/live")
async def live(services: ServicesOf) -> LiveView:
    """The lessons going on with their seats; none where nobody has come yet."""
    async with services.database.read() as session:
        lessons = await lessons_in_progress(session)
        bars = {one.id: await bars_of(session, services.lessons.live, one.id) for one in lessons}
    seats = services.lessons.live.seats()
    return LiveView(
        lessons=[
            LiveLessonView(
                lesson=lesson_view(lesson),
                seats=list(seats.get(lesson.id, ())),
                removed=[
                    RemovedBearer(seat_id=bar.seat_id, bearer=bar.name)
                    for bar in bars[lesson.id].values()
                ],
            )
            for lesson in lessons
        ],
        lessons_admitted=services.lessons.lessons_admitted,
        classrooms_online=len(await services.rooms.online()),
        server_time=services.clock(),
    )


@router.delete("/admin/live/{lesson_id}/devices/{device_id}", status_code=204)
async def remove_device(lesson_id: Id, device_id: Id, services: ServicesOf) -> None:
    """Put a device out of a live lesson; whoever it belongs to is let in no more."""
    seated = services.lessons.live.devices(lesson_id)
    if device_id not in {device.device_id for device in seated}:
        raise not_found("设备", "device in a live lesson")
    await services.lessons.put_out(lesson_id, device_id)


@router.post("/admin/live/{lesson_id}/seats/{seat_id}/readmit", status_code=204)
async def readmit(lesson_id: Id, seat_id: Id, services: ServicesOf) -> None:
    """Let those in again who were put out of a seat of a live lesson."""
    await services.lessons.readmit(lesson_id, seat_id)
