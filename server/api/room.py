"""What a room device asks every few seconds: `/api/room`."""

from __future__ import annotations

from fastapi import APIRouter

from server.accounts.access import Room, ServicesOf
from server.api.fields import View
from server.api.lessons import LessonView, lesson_view

router = APIRouter(tags=["room"])


class RoomPlaceView(View):
    id: str
    name: str
    school: str
    profile: str


class RoomView(View):
    classroom: RoomPlaceView
    lesson: LessonView | None
    token: str | None
    next: LessonView | None
    poll_after_s: float
    server_time: float


@router.get("/api/room")
async def room(device: Room, services: ServicesOf) -> RoomView:
    """The lesson to join now with a token for it, the next one, and when to ask again."""
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
        next=lesson_view(answer.next) if answer.next else None,
        poll_after_s=services.settings.room_poll_s,
        server_time=services.clock(),
    )
