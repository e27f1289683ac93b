"""A live lesson's program pushed to RTMP and SRT servers: begun, seen, ended by who may change it.

An address is told to us once and to nobody again: it holds what lets us in there.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr

from server.accounts.permissions import Right, refuse_without
from server.api.access import Person, ServicesOf
from server.api.areas import area
from server.api.fields import Body, Id, View
from server.broadcasts.pushing import Push, PushStanding
from server.broadcasts.service import BroadcastService, lesson_not_open
from server.broadcasts.targets import LONGEST_ADDRESS, push_target
from server.database.models import Lesson, LessonPhase, User
from server.errors import Refusal, Text
from server.lessons.timetable import get_visible_lesson
from server.services import Services

router = area("watching", prefix="/api/lessons/{lesson_id}/pushes")


class PushBody(Body):
    """Where to: `rtmp://HOST/APP/KEY`, `rtmps://…`, `srt://HOST:PORT?streamid=…&passphrase=…`."""

    address: Annotated[SecretStr, Field(max_length=LONGEST_ADDRESS)] = SecretStr("")


class PushView(View):
    """How a push stands; `target` is its address without what is secret in it."""

    push_id: str
    target: str
    standing: PushStanding
    since: float
    code: str
    message_zh: str
    message_en: str
    starts: int


@router.get("")
async def pushes(lesson_id: Id, person: Person, services: ServicesOf) -> list[PushView]:
    """Whom the lesson's program is pushed to, and how that stands."""
    lesson = await _changed_by(lesson_id, person, services)
    if services.broadcasts is None:
        return []
    return [_view(one) for one in services.broadcasts.pushes_of(lesson.id)]


@router.post("", status_code=201)
async def add_push(lesson_id: Id, body: PushBody, person: Person, services: ServicesOf) -> PushView:
    """Push it there until the lesson is over. What fails is tried again by itself."""
    lesson = await _changed_by(lesson_id, person, services)
    broadcasts = _broadcasts(services)
    target = push_target(body.address.get_secret_value(), services.settings.push_hosts)
    if lesson.state is not LessonPhase.LIVE:
        raise lesson_not_open()
    return _view(await broadcasts.add_push(lesson.id, target))


@router.delete("/{push_id}", status_code=204)
async def end_push(lesson_id: Id, push_id: Id, person: Person, services: ServicesOf) -> None:
    """Push there no more."""
    lesson = await _changed_by(lesson_id, person, services)
    await _broadcasts(services).end_push(lesson.id, push_id)


async def _changed_by(lesson_id: str, person: User, services: Services) -> Lesson:
    async with services.database.read() as session:
        lesson = await get_visible_lesson(session, person, lesson_id)
    refuse_without(Right.CHANGE, person, lesson.teacher_id)
    return lesson


def _broadcasts(services: Services) -> BroadcastService:
    if services.broadcasts is None:
        raise Refusal(
            409,
            "no-program",
            Text(
                "本服务器不合成节目。请联系管理员。",
                "This server makes no programs. Ask an administrator.",
            ),
        )
    return services.broadcasts


def _view(push: Push) -> PushView:
    state = push.state
    return PushView(
        push_id=push.push_id,
        target=push.target.shown,
        standing=state.standing,
        since=state.since,
        code=state.code,
        message_zh=state.text.zh,
        message_en=state.text.en,
        starts=state.starts,
    )
