"""What a room device asks every few seconds: `/api/room`."""

from __future__ import annotations

from server.api.access import Room, ServicesOf
from server.api.areas import area
from server.api.fields import View
from server.api.lesson_views import LessonView, lesson_view
from signaling.protocol.messages import RemovalCode
from signaling.protocol.refusals import REFUSALS

router = area("room")


class RoomPlaceView(View):
    id: str
    name: str
    school: str
    profile: str


class RemovedView(View):
    code: RemovalCode
    message_zh: str
    message_en: str


class RoomView(View):
    classroom: RoomPlaceView
    lesson: LessonView | None
    token: str | None
    removed: RemovedView | None
    next: LessonView | None
    poll_after_s: float
    server_time: float


def _removed_view(code: RemovalCode) -> RemovedView:
    """Why a device was put out, in words."""
    text = REFUSALS[code]
    return RemovedView(code=code, message_zh=text.zh, message_en=text.en)


@router.get("/api/room")
async def room(device: Room, services: ServicesOf) -> RoomView:
    """The lesson to join now with a token for it, the next one, and when to ask again.

    A device that was put out of the lesson is told why (`removed`) and gets no token.
    """
    answer = await services.rooms.answer(device)
    return RoomView(
        classroom=RoomPlaceView(
            id=device.classroom.id,
            name=device.classroom.name,
            school=device.school.name,
            profile=device.classroom.profile,
        ),
        lesson=lesson_view(answer.lesson) if answer.lesson else None,
        token=answer.token,
        removed=_removed_view(answer.removed) if answer.removed else None,
        next=lesson_view(answer.next) if answer.next else None,
        poll_after_s=services.settings.room_poll_s,
        server_time=services.clock(),
    )
