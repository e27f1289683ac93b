"""Rules about how long recordings are kept, carried out: each deed when its time has come.

Before a deed the recording's folder is looked at: what cannot be read is kept, and reported. First
a recording is deleted as a person would, or all but its program put aside: both can be undone for
some days. What was done by which rule is written down where it outlives the recording.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from recorder.errors import ManifestError
from recorder.manifest import Manifest, read_manifest
from recorder.put_aside import bring_back, forget_aside, names_aside, put_aside
from recorder.verification import ArchiveCondition, look, verify
from server.database.engine import Database
from server.database.models import ArchiveAct, Community, Recording
from server.errors import not_found
from server.ids import new_id
from server.recordings.cut_short import CutShort
from server.recordings.library import RECORDINGS, take_manifest
from server.recordings.retention import (
    CommunityUsage,
    Deed,
    Obstacle,
    Planned,
    QuotaState,
    plan,
    usage_by_community,
)
from server.recordings.store import Store

_log = structlog.get_logger("tongke.archive")

BROUGHT_BACK, KEPT = "brought-back", "kept"
BY_HAND = "by-hand"  # in place of a rule
# A sweep is an hour's: what it does not come to, the next one does.
MOST_AT_ONCE = 200


class Retirement:
    """`carry_out` what is due; `kept_s` is for how long it can be undone."""

    def __init__(self, database: Database, store: Store, folder: Path, *, kept_s: float) -> None:
        self._database = database
        self._store = store
        self._folder = folder
        self._kept_s = kept_s
        self.cut_short = CutShort(database, store, folder)
        self.refused: dict[str, Planned] = {}
        """What was kept in spite of its rule, by recording, as of the last time."""
        self.quotas: dict[str, QuotaState] = {}
        """How much of its quota each community has used, as of the last time."""

    async def carry_out(self, now: float) -> None:
        """All that is due, but the purge of what was deleted: that is `Deletion`'s, after this.

        First what an earlier server was killed over is brought to its end.
        """
        for recording_id in await self.cut_short.settle():
            await self._tell_store(recording_id)
        await self.look_at_quotas()
        async with self._database.read() as session:
            all_planned = await plan(session, kept_s=self._kept_s)
        due = [one for one in all_planned if one.at <= now]
        refused = {one.recording_id: one for one in due if one.obstacle is not None}
        for one in _some([one for one in due if one.obstacle is None]):
            obstacle = await self._do(one, now)
            if obstacle is not None:
                refused[one.recording_id] = replace(one, obstacle=obstacle)
                _log.warning(
                    "a recording is kept in spite of its rule",
                    recording=one.recording_id,
                    deed=one.deed.value,
                    why=obstacle.value,
                )
        self.refused = refused

    async def look_at_quotas(self) -> None:
        """How much of its quota each community has used by now."""
        async with self._database.read() as session:
            usage = await usage_by_community(session)
        self._warn(usage)

    async def bring_back(self, recording_id: str, now: float) -> None:
        """Undo what was done to a recording; refuses (404) what cannot come back."""
        async with self._database.write() as session:
            await undo(session, self._folder, recording_id, now)
        async with self._database.read() as session:
            row = await session.get(Recording, recording_id)
        if row is not None:
            await self._tell_store(recording_id)

    async def _do(self, one: Planned, now: float) -> Obstacle | None:
        if one.rule is not None:
            place = self._folder / one.recording_id
            # What goes leaves the program alone: it is read to its end before.
            looked = damage_in if one.deed is Deed.DROP else obstacle_in
            obstacle = await asyncio.to_thread(looked, place)
            if obstacle is not None:
                if one.deed is Deed.PURGE:
                    await self._keep(one, now)
                return obstacle
        try:
            match one.deed:
                case Deed.DELETE:
                    await self._delete(one, now)
                case Deed.PUT_ASIDE:
                    await self._put_aside(one, now)
                case Deed.DROP:
                    await self._drop(one, now)
                case Deed.PURGE:
                    await self._note(one, now)
        except (ManifestError, ValueError, OSError) as error:
            _log.error("a rule cannot be carried out", recording=one.recording_id, why=str(error))
            return Obstacle.UNREADABLE
        return None

    async def _delete(self, one: Planned, now: float) -> None:
        async with self._database.write() as session:
            row = await session.get(Recording, one.recording_id)
            if row is None or row.deleted_at is not None or row.spared:
                return
            row.deleted_at, row.by_rule = now, True
            session.add(act(one, one.deed.value, now))

    async def _put_aside(self, one: Planned, now: float) -> None:
        kept = await asyncio.to_thread(put_aside, self._folder / one.recording_id)
        async with self._database.write() as session:
            row = await session.get(Recording, one.recording_id)
            if row is None:
                return
            size = row.size_bytes
            take_manifest(row, kept)
            row.size_bytes, row.put_aside_at = size, now  # it takes its room until it is dropped
            session.add(act(one, one.deed.value, now))
        await self._tell_store(one.recording_id)

    async def _drop(self, one: Planned, now: float) -> None:
        """First it is written down that nothing comes back, then it goes."""
        async with self._database.write() as session:
            row = await session.get(Recording, one.recording_id)
            if row is None or row.put_aside_at is None:
                return
            row.dropped_at = row.dropped_at or now
        place = self._folder / one.recording_id
        names = await asyncio.to_thread(names_aside, place)
        await self._store.drop(one.recording_id, names)
        await asyncio.to_thread(forget_aside, place)
        async with self._database.write() as session:
            row = await session.get(Recording, one.recording_id)
            if row is not None:
                row.put_aside_at, row.size_bytes = None, row.program_bytes
            session.add(act(one, one.deed.value, now))
        await self._tell_store(one.recording_id)

    async def _keep(self, one: Planned, now: float) -> None:
        """A rule deleted it, and meanwhile it cannot be read: it is not gone for good."""
        async with self._database.write() as session:
            row = await session.get(Recording, one.recording_id)
            if row is not None and row.by_rule:
                row.deleted_at, row.by_rule, row.spared = None, False, True
                session.add(act(one, KEPT, now))

    async def _note(self, one: Planned, now: float) -> None:
        async with self._database.write() as session:
            row = await session.get(Recording, one.recording_id)
            if row is not None and row.deleted_at is not None:
                session.add(act(one, one.deed.value, now))

    async def _tell_store(self, recording_id: str) -> None:
        """The manifest is another: where it lies elsewhere too, it goes there."""
        place = self._folder / recording_id
        manifest = await asyncio.to_thread(read_manifest, place)
        if manifest is not None:
            await self._store.put(recording_id, place, manifest.files)

    def _warn(self, usage: Iterable[CommunityUsage]) -> None:
        """Once, when a community comes near its quota or over it."""
        for one in usage:
            state = one.quota_state
            if state is not self.quotas.get(one.community_id, QuotaState.FREE):
                tell = _log.info if state is QuotaState.FREE else _log.warning
                tell(
                    "a community's recordings and its quota",
                    community=one.name,
                    state=state.value,
                    used_bytes=one.used_bytes,
                    quota_bytes=one.quota_bytes,
                )
            self.quotas[one.community_id] = state


def _some(due: list[Planned]) -> list[Planned]:
    """What one sweep does: all that `Deletion` is about to purge, of the rest only so much."""
    purged = [one for one in due if one.deed is Deed.PURGE]
    return purged + [one for one in due if one.deed is not Deed.PURGE][:MOST_AT_ONCE]


def obstacle_in(place: Path) -> Obstacle | None:
    """Why a recording's files may not be touched by a rule; None if all of it can be read."""
    try:
        condition = look(place).condition
        manifest = read_manifest(place)
        shorter = manifest is not None and _is_shorter(place, manifest)
    except (ManifestError, OSError):
        return Obstacle.UNREADABLE
    if shorter:
        return Obstacle.DAMAGED
    match condition:
        case ArchiveCondition.UNREADABLE:
            return Obstacle.UNREADABLE
        case ArchiveCondition.DAMAGED:
            return Obstacle.DAMAGED
        case ArchiveCondition.RECORDING | ArchiveCondition.UNFINISHED:
            return Obstacle.UNFINISHED
    return Obstacle.TRACKS if manifest is None or manifest.needs_tracks else None


def damage_in(place: Path) -> Obstacle | None:
    """As `obstacle_in`, when every file of it was read and compared with its checksum."""
    obstacle = obstacle_in(place)
    if obstacle is not None:
        return obstacle
    try:
        found = verify(place)
    except (ManifestError, OSError):
        return Obstacle.UNREADABLE
    return Obstacle.DAMAGED if found.condition is ArchiveCondition.DAMAGED else None


def _is_shorter(place: Path, manifest: Manifest) -> bool:
    """Whether a file that lies here has not the length that it had when it was finished."""
    for one in manifest.checksums:
        path = place / one.file
        if path.is_file() and path.stat().st_size != one.bytes:
            return True
    return False


def act(one: Planned, what: str, now: float) -> ArchiveAct:
    """A row that tells of it."""
    return ArchiveAct(
        id=new_id(),
        at=now,
        act=what,
        rule=BY_HAND if one.rule is None else one.rule.value,
        days=one.days,
        recording_id=one.recording_id,
        title=one.title,
        community=one.community,
        bytes=one.bytes,
    )


async def undo(session: AsyncSession, folder: Path, recording_id: str, now: float) -> None:
    """Bring back a deleted recording, or what was put aside; a rule passes over it from now on.

    Refuses (404) what was neither, or is gone.
    """
    row = await session.get(Recording, recording_id)
    undeletable = row is not None and row.deleted_at is not None
    aside = row is not None and row.put_aside_at is not None and row.dropped_at is None
    if row is None or not (undeletable or aside):
        raise not_found("可恢复的录像", "recording that can come back")
    if row.deleted_at is not None:
        deleted_at, row.deleted_at = row.deleted_at, None
        await RECORDINGS.on_restore(session, row, deleted_at)
    else:
        manifest = await asyncio.to_thread(_brought_back, folder / recording_id)
        take_manifest(row, manifest)
        row.put_aside_at = None
    row.spared = True
    community = await session.get(Community, row.community_id) if row.community_id else None
    session.add(
        ArchiveAct(
            id=new_id(),
            at=now,
            act=BROUGHT_BACK,
            rule=BY_HAND,
            recording_id=row.id,
            title=row.title,
            community=community.name if community else "",
            bytes=row.size_bytes,
        )
    )
    await session.flush()


def _brought_back(place: Path) -> Manifest:
    try:
        return bring_back(place)
    except (ManifestError, OSError) as error:
        _log.error("what was put aside cannot come back", recording=place.name, why=str(error))
        raise not_found("可恢复的录像", "recording that can come back") from None


async def acts(session: AsyncSession, *, most: int) -> list[ArchiveAct]:
    """The latest of what was done, the last first."""
    query = select(ArchiveAct).order_by(ArchiveAct.at.desc(), ArchiveAct.id).limit(most)
    return list(await session.scalars(query))
