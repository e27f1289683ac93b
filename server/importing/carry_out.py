"""A plan written into the database, in one transaction: all of it or nothing.

Whole kinds at once, not thing by thing: a county of 5,000 rows must not keep other writers waiting.
Nothing is hashed slowly here: devices have a random credential, people a one-time address, and each
of these is told once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts.one_time_keys import mint_sign_in_keys
from server.accounts.sign_ins import end_all_sign_ins
from server.database.models import Base, Classroom, Credential, School, User
from server.ids import new_id, new_secret, secret_hash
from server.importing.wanted import Change, ClassroomWanted, ImportPlan, SchoolWanted
from server.names import look_of
from server.schools.places import DEVICE_SECRET

# A county hands them out over some weeks; the pages say until when.
KEY_LIFE_S = 30 * 86_400.0

K = TypeVar("K")
W = TypeVar("W", SchoolWanted, ClassroomWanted)
_STEP_S = 1e-5  # between the rows' times of making: lists keep the table's order


@dataclass(frozen=True, slots=True)
class NewDevice:
    """A device's credential, to be told once."""

    school: str
    classroom: str
    label: str
    secret: str


@dataclass(frozen=True, slots=True)
class NewPerson:
    """A person's one-time key, to be told once."""

    school: str
    display_name: str
    username: str
    key: str


@dataclass(frozen=True, slots=True)
class HandedOut:
    """What is told of new things this once, in the table's order."""

    devices: tuple[NewDevice, ...]
    people: tuple[NewPerson, ...]
    keys_expire_at: float


async def carry_out(session: AsyncSession, plan: ImportPlan, *, now: float) -> HandedOut:
    """Write what the plan says; it must have no faults, and fit what stands there now."""
    assert plan.wrong == 0  # whoever calls has looked
    schools = await _write_schools(session, plan, now)
    rooms = await _write_classrooms(session, plan, schools, now)
    devices = await _write_devices(session, plan, rooms, now)
    people = await _write_people(session, plan, schools, now)
    return HandedOut(devices, people, now + KEY_LIFE_S)


async def _write_schools(session: AsyncSession, plan: ImportPlan, now: float) -> dict[str, str]:
    """The ids of the plan's schools."""
    return await _write_places(
        session,
        School,
        plan.schools,
        lambda one: {"name": one.name, "kind": one.kind},
        now,
    )


async def _write_classrooms(
    session: AsyncSession, plan: ImportPlan, schools: dict[str, str], now: float
) -> dict[tuple[str, str], str]:
    """The ids of the plan's classrooms."""
    return await _write_places(
        session,
        Classroom,
        plan.classrooms,
        lambda one: {
            "school_id": schools[one.school],
            "name": one.name,
            "profile": one.profile,
        },
        now,
    )


async def _write_places(
    session: AsyncSession,
    model: type[Base],
    wanted: Mapping[K, W],
    columns: Callable[[W], dict[str, Any]],
    now: float,
) -> dict[K, str]:
    """New ones made, changed ones changed; the ids of all."""
    ids = {key: one.known.id if one.known else new_id() for key, one in wanted.items()}
    rows = {
        change: [
            {"id": ids[key], **columns(one)} for key, one in wanted.items() if one.change is change
        ]
        for change in (Change.NEW, Change.CHANGED)
    }
    await _insert(session, model, rows[Change.NEW], now)
    await _update(session, model, rows[Change.CHANGED])
    return ids


async def _write_devices(
    session: AsyncSession, plan: ImportPlan, rooms: dict[tuple[str, str], str], now: float
) -> tuple[NewDevice, ...]:
    made = []
    rows = []
    for one in plan.devices.values():
        if not one.is_new:
            continue
        room = plan.classrooms[one.school, one.classroom]
        secret = new_secret(DEVICE_SECRET)
        rows.append(
            {
                "id": new_id(),
                "classroom_id": rooms[one.school, one.classroom],
                "label": one.label,
                "secret_hash": secret_hash(secret),
            }
        )
        made.append(NewDevice(plan.schools[one.school].name, room.name, one.label, secret))
    await _insert(session, Credential, rows, now)
    return tuple(made)


async def _write_people(
    session: AsyncSession, plan: ImportPlan, schools: dict[str, str], now: float
) -> tuple[NewPerson, ...]:
    school_ids = {
        key: None if one.school is None else schools.get(one.school) or _known_school(plan, key)
        for key, one in plan.people.items()
    }
    new = {key: (new_id(), one) for key, one in plan.people.items() if one.known is None}
    await _insert(
        session,
        User,
        (
            {
                "id": row_id,
                "username": one.username,
                "username_key": look_of(one.username),
                "display_name": one.display_name,
                "role": one.role,
                "school_id": school_ids[key],
            }
            for key, (row_id, one) in new.items()
        ),
        now,
    )
    changed = {
        one.known.id: (school_ids[key], one)
        for key, one in plan.people.items()
        if one.known is not None and one.change is Change.CHANGED
    }
    await _update(
        session,
        User,
        (
            {
                "id": row_id,
                "display_name": one.display_name,
                "role": one.role,
                "school_id": school_id,
            }
            for row_id, (school_id, one) in changed.items()
        ),
    )
    for row_id, (_, one) in changed.items():
        if one.known is not None and one.role is not one.known.role:
            await end_all_sign_ins(session, row_id)
    keys = await mint_sign_in_keys(
        session, [row_id for row_id, _ in new.values()], now=now, life_s=KEY_LIFE_S
    )
    return tuple(
        NewPerson(
            plan.schools[one.school].name if one.school else "",
            one.display_name,
            one.username,
            keys[row_id],
        )
        for row_id, one in new.values()
    )


def _known_school(plan: ImportPlan, key: str) -> str | None:
    """Of somebody whose school the table does not name: unchanged."""
    known = plan.people[key].known
    return known.school_id if known else None


async def _insert(
    session: AsyncSession, model: type[Base], rows: Iterable[dict[str, Any]], now: float
) -> None:
    timed = [{**row, "created_at": now + number * _STEP_S} for number, row in enumerate(rows)]
    if timed:
        await session.execute(insert(model), timed)


async def _update(session: AsyncSession, model: type[Base], rows: Iterable[dict[str, Any]]) -> None:
    changes = list(rows)
    if changes:
        await session.execute(update(model), changes)  # each by its id
