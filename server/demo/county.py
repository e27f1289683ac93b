"""The demonstration's county: schools, classrooms, people, a live lesson, two for tomorrow.

Owns the story, and writing it into an empty database by the same rules as the pages do. `demo`
runs it.
"""

from __future__ import annotations

import datetime
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts.one_time_keys import Purpose, mint_key
from server.accounts.people import add_user, find_user
from server.database.data_folder import write_private
from server.database.models import Classroom, SchoolKind, User, UserRole
from server.errors import StartRefused
from server.ids import secret_hash
from server.lessons.timetable import LessonDraft, lessons_in_progress, plan_lesson
from server.schools.communities import add_community, list_communities, schools_of
from server.schools.places import (
    add_classroom,
    add_credential,
    add_school,
    list_classrooms,
    list_credentials,
    room_address,
)
from server.services import Services
from signaling.protocol.messages import Mode

TEACHER = "teacher"
ADMINISTRATOR = "admin"
# The address printed at the start may be opened after a long lunch, and the show goes on all day.
KEY_LIFE_S = 7 * 86_400.0

# Printed, and kept in the data folder for `--keep`: short enough to type, not to guess.
_PASSWORD_BYTES = 9
_SECRETS_FILE = "demonstration.json"
_CREDENTIAL_LABEL = "模拟教室 simulated room"
_LEAD_SCHOOL = "临江实验小学 Linjiang Primary"
_LEAD_ROOM = "临江教室 Linjiang"
_RURAL = (  # school, classroom, hardware profile
    ("青山村小学 Qingshan School", "青山教室 Qingshan", "standard"),
    ("白鹭洲小学 Bailu School", "白鹭教室 Bailu", "standard"),
    ("云岭教学点 Yunling School", "云岭教室 Yunling", "old-pc"),
)
# Of the last school; nobody is simulated in it: who opens its page sits there alone.
_VISITORS_ROOM = "云岭二教室 Yunling 2"


@dataclass(frozen=True, slots=True)
class County:
    """What the demonstration has to show, and where."""

    origin: str
    lesson_id: str
    teacher_key: str
    credentials: tuple[str, ...]  # of the three simulated rooms
    visitors_credential: str
    password: str  # of the teacher and the administrator

    @property
    def teach_address(self) -> str:
        """Signs in as the demonstration's teacher, once, and opens the live lesson."""
        return f"{self.origin}/key#key={self.teacher_key}&next=/teach/{self.lesson_id}"

    @property
    def room_address(self) -> str:
        """The page of the room that waits for a visitor."""
        return room_address(self.origin, self.visitors_credential)


async def found_county(services: Services) -> None:
    """Make schools, rooms, people and tomorrow's timetable. The database must be empty."""
    now = services.clock()
    password = secrets.token_urlsafe(_PASSWORD_BYTES)
    password_hash = await services.passwords.hash(password)
    async with services.database.write() as session:
        lead = await add_school(session, name=_LEAD_SCHOOL, kind=SchoolKind.URBAN, now=now)
        await add_classroom(
            session, school_id=lead.id, name=_LEAD_ROOM, profile="teacher-laptop", now=now
        )
        partner_ids = []
        for school_name, room_name, profile in _RURAL:
            school = await add_school(session, name=school_name, kind=SchoolKind.RURAL, now=now)
            await add_classroom(
                session, school_id=school.id, name=room_name, profile=profile, now=now
            )
            partner_ids.append(school.id)
        await add_classroom(
            session, school_id=partner_ids[-1], name=_VISITORS_ROOM, profile="standard", now=now
        )
        await add_community(
            session,
            name="临江教学共同体 Linjiang community",
            lead_school_id=lead.id,
            partner_school_ids=partner_ids,
            max_partners=max(services.settings.max_partners, len(partner_ids)),
            now=now,
        )
        await _add_people(session, lead.id, password_hash, now)
    async with services.database.write() as session:
        teacher = await _teacher(session)
        places = await _places(session)
        for draft in _tomorrow(places, now):
            await plan_lesson(session, teacher, draft, now=now)
    _Secrets(password).write(services.settings.data_folder)


async def open_county(services: Services) -> County:
    """Let the rooms in and have a lesson going on: the live one, else a new one.

    The rooms' credentials are those of the last time, so that a page opened then comes back.
    Raises `StartRefused` when the data folder holds no demonstration.
    """
    now = services.clock()
    kept = _Secrets.read(services.settings.data_folder)
    async with services.database.write() as session:
        teacher = await _teacher(session)
        places = await _places(session)
        known = {secret_hash(secret): secret for secret in kept.credentials}
        credentials = [await _credential(session, room, known, now) for room in places.all_rooms]
        live = await lessons_in_progress(session)
        if not live:
            lesson = await plan_lesson(session, teacher, _today(places), now=now)
            await services.lessons.open(session, lesson)
            live = [lesson]
        key = await mint_key(
            session, Purpose.SIGN_IN, now=now, life_s=KEY_LIFE_S, user_id=teacher.id
        )
    _Secrets(kept.password, tuple(credentials)).write(services.settings.data_folder)
    return County(
        origin=services.settings.address,
        lesson_id=live[0].id,
        teacher_key=key,
        credentials=tuple(credentials[: len(places.rooms)]),
        visitors_credential=credentials[-1],
        password=kept.password,
    )


@dataclass(frozen=True, slots=True)
class _Places:
    community_id: str
    lead_room: Classroom
    rooms: tuple[Classroom, ...]  # simulated
    visitors_room: Classroom | None  # a folder of an earlier version has none

    @property
    def all_rooms(self) -> tuple[Classroom, ...]:
        """Those of a lesson; the visitor's is the last."""
        return self.rooms if self.visitors_room is None else (*self.rooms, self.visitors_room)


async def _places(session: AsyncSession) -> _Places:
    """The first community and its classrooms, one of each school."""
    communities = await list_communities(session)
    schools = schools_of(communities[0]) if communities else []
    found = [await list_classrooms(session, school_id=school_id) for school_id in schools]
    visitors = next(
        (each for rooms in found for each in rooms if each.name == _VISITORS_ROOM), None
    )
    simulated = [[each for each in rooms if each is not visitors] for rooms in found]
    first = [rooms[0] for rooms in simulated if rooms]
    if len(first) < 2:
        raise _no_demonstration("no community with classrooms")
    return _Places(
        community_id=communities[0].id,
        lead_room=first[0],
        rooms=tuple(first[1:]),
        visitors_room=visitors,
    )


@dataclass(frozen=True, slots=True)
class _Secrets:
    """What the database keeps only as hashes, for the next start with `--keep`."""

    password: str
    credentials: tuple[str, ...] = ()

    @classmethod
    def read(cls, data_folder: Path) -> _Secrets:
        """Raises `StartRefused` when the file is gone or is none."""
        try:
            kept = json.loads((data_folder / _SECRETS_FILE).read_bytes())
            return cls(str(kept["password"]), tuple(map(str, kept["credentials"])))
        except (OSError, ValueError, TypeError, KeyError):
            raise _no_demonstration(f"no {_SECRETS_FILE}") from None

    def write(self, data_folder: Path) -> None:
        kept = {"password": self.password, "credentials": self.credentials}
        write_private(data_folder / _SECRETS_FILE, json.dumps(kept).encode())


async def _credential(
    session: AsyncSession, classroom: Classroom, kept: dict[str, str], now: float
) -> str:
    """The secret of the simulated room's device."""
    for known in await list_credentials(session, classroom.id):
        if known.secret_hash in kept:
            return kept[known.secret_hash]
    _, secret = await add_credential(session, classroom, label=_CREDENTIAL_LABEL, now=now)
    return secret


async def _add_people(
    session: AsyncSession, school_id: str, password_hash: str, now: float
) -> None:
    for username, display_name, role in (
        (ADMINISTRATOR, "管理员 Administrator", UserRole.ADMINISTRATOR),
        (TEACHER, "李敏老师 Ms Li Min", UserRole.TEACHER),
    ):
        await add_user(
            session,
            username=username,
            display_name=display_name,
            role=role,
            school_id=school_id if role is UserRole.TEACHER else None,
            password_hash=password_hash,
            now=now,
        )


async def _teacher(session: AsyncSession) -> User:
    teacher = await find_user(session, TEACHER)
    if teacher is None:
        raise _no_demonstration(f"no user '{TEACHER}'")
    return teacher


def _no_demonstration(lacks: str) -> StartRefused:
    return StartRefused(
        f"The data folder holds no demonstration ({lacks}). Start without --keep, or name another "
        "folder with --data-folder.",
        f"数据文件夹中没有演示（{lacks}）。请不带 --keep 启动，或用 --data-folder 另指定一个。",
    )


def _today(places: _Places) -> LessonDraft:
    return _draft(places, "认识分数 First fractions", "数学 Maths", Mode.BLENDED, None)


def _tomorrow(places: _Places, now: float) -> list[LessonDraft]:
    local = datetime.datetime.fromtimestamp(now).astimezone()
    morning = local.replace(hour=9, minute=0, second=0, microsecond=0)
    nine = (morning + datetime.timedelta(days=1)).timestamp()
    return [
        _draft(places, "听听，秋的声音 Sounds of autumn", "语文 Chinese", Mode.BLENDED, nine),
        _draft(places, "民歌与节奏 Folk songs", "音乐 Music", Mode.DELIVERY, nine + 3600),
    ]


def _draft(
    places: _Places, title: str, subject: str, mode: Mode, starts_at: float | None
) -> LessonDraft:
    return LessonDraft(
        title=title,
        subject=subject,
        grade="三年级 Grade 3",
        mode=mode,
        community_id=places.community_id,
        lead_classroom_id=places.lead_room.id,
        room_classroom_ids=tuple(room.id for room in places.all_rooms),
        starts_at=starts_at,
        record=True,
    )
