"""The library: recordings as rows, who may see them, which of their files are given out.

Owns the catalogue that recording tells of its work (`RecordingCatalogue`). The files belong to
the recorder; only those that a manifest names are ever given to a browser.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import structlog
from sqlalchemy import ColumnElement, Select, and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, undefer

from recorder.errors import ManifestError
from recorder.manifest import Manifest, manifest_from
from recorder.put_aside import program_alone
from server.accounts.permissions import Right, rights_by, standings_of
from server.clock import Clock
from server.database.deletion import Deletable
from server.database.models import (
    Classroom,
    Lesson,
    LessonPhase,
    Recording,
    RecordingPhase,
    RecordingSchool,
    User,
    UserRole,
    Visibility,
)
from server.database.paging import Asked, Key, Page, page_of
from server.database.pending_writes import PendingWrites
from server.errors import Refusal, Text, not_found
from server.recordings.store import Store, StoredFile
from server.schools.communities import communities_of_school

_log = structlog.get_logger("tongke.library")


# The fullwidth forms of ASCII's signs (Unicode, block FF00), each as far away.
_WIDE = {sign: sign + 0xFEE0 for sign in range(0x21, 0x7F)}

_NEWEST_FIRST = (Key(Recording.started_at, float, descending=True), Key(Recording.id, str))


class RecordingCatalogue(Protocol):
    """What recording tells of each recording. All may be told twice (after a crash)."""

    async def added(self, recording_id: str, lesson_id: str, started_at: float) -> None:
        """The recording of a lesson has begun."""
        ...

    async def finished(self, recording_id: str, manifest: Manifest) -> None:
        """It can be played: its manifest says what."""
        ...

    async def failed(self, recording_id: str, reason: str) -> None:
        """It could not be made playable; `reason` is for IT."""
        ...

    async def finishing(self, recording_id: str) -> None:
        """What had failed is tried once more."""
        ...


class Catalogue:
    """`RecordingCatalogue` in the database, by pending writes: a call returns when it is written.

    That may take as long as the database takes nothing. Raises `NeverWritten`.
    """

    def __init__(self, pending_writes: PendingWrites, clock: Clock) -> None:
        self._pending_writes = pending_writes
        self._clock = clock

    async def added(self, recording_id: str, lesson_id: str, started_at: float) -> None:
        """A row that tells what is recorded; telling it again changes nothing."""

        async def write(session: AsyncSession) -> None:
            await self._add(session, recording_id, lesson_id, started_at)

        await self._pending_writes.written(f"the beginning of recording {recording_id}", write)

    async def finished(self, recording_id: str, manifest: Manifest) -> None:
        """It stands in the library, ready to play."""

        async def write(session: AsyncSession) -> None:
            row = await session.get(Recording, recording_id)
            if row is None:
                _log.error("an unknown recording was finished", recording=recording_id)
                return
            take_manifest(row, manifest)

        await self._pending_writes.written(f"recording {recording_id}", write)

    async def finishing(self, recording_id: str) -> None:
        """It is no longer failed, for now."""

        async def write(session: AsyncSession) -> None:
            row = await session.get(Recording, recording_id)
            if row is not None and row.state is RecordingPhase.FAILED:
                row.state = RecordingPhase.FINISHING

        await self._pending_writes.written(f"finishing recording {recording_id} again", write)

    async def failed(self, recording_id: str, reason: str) -> None:
        """It stands in the library as failed, so that somebody asks."""

        async def write(session: AsyncSession) -> None:
            row = await session.get(Recording, recording_id)
            if row is not None and row.state is not RecordingPhase.READY:
                row.state = RecordingPhase.FAILED
                row.failure = reason

        await self._pending_writes.written(f"the failure of recording {recording_id}", write)

    async def _add(
        self, session: AsyncSession, recording_id: str, lesson_id: str, started_at: float
    ) -> None:
        if await session.get(Recording, recording_id) is not None:
            return
        lesson = await session.get(Lesson, lesson_id)
        if lesson is None:
            _log.error("a recording of an unknown lesson", recording=recording_id)
            return
        over = lesson.state is LessonPhase.ENDED  # it was, before this could be written
        schools = await _schools_of(session, lesson)
        session.add(
            Recording(
                id=recording_id,
                created_at=self._clock(),
                lesson_id=lesson.id,
                community_id=lesson.community_id,
                teacher_id=lesson.teacher_id,
                title=lesson.title,
                subject=lesson.subject,
                grade=lesson.grade,
                teacher_name=lesson.teacher_name,
                started_at=started_at,
                state=RecordingPhase.FINISHING if over else RecordingPhase.RECORDING,
                visibility=Visibility.LESSON,
                schools=[
                    RecordingSchool(place=place, name=name, school_id=school_id)
                    for place, (name, school_id) in enumerate(schools.items())
                ],
            )
        )


def take_manifest(row: Recording, manifest: Manifest) -> None:
    """What a manifest says becomes what the library says; it is ready to be played."""
    program = program_alone(manifest)
    row.state = RecordingPhase.READY
    row.failure = manifest.lack
    row.manifest = manifest.members()
    row.started_at = manifest.started_at
    row.duration_s = manifest.duration_s
    row.poster = manifest.poster
    row.size_bytes = sum(one.bytes for one in manifest.checksums)
    row.program_bytes = sum(one.bytes for one in program.checksums) if program.parts else 0


async def _schools_of(session: AsyncSession, lesson: Lesson) -> dict[str, str | None]:
    """The schools that sit in a lesson, by the names it has for them, the lead's first."""
    rooms = [seat.classroom_id for seat in lesson.seats if seat.classroom_id]
    found = await session.execute(
        select(Classroom.id, Classroom.school_id).where(Classroom.id.in_(rooms))
    )
    school_of = dict(found.all())
    schools: dict[str, str | None] = {}
    for seat in lesson.seats:
        if seat.school:
            known = schools.get(seat.school)
            schools[seat.school] = known or school_of.get(seat.classroom_id or "")
    return schools


async def mark_finishing(session: AsyncSession, lesson_id: str) -> None:
    """The lesson is over: what records it is being finished."""
    await session.execute(
        update(Recording)
        .where(Recording.lesson_id == lesson_id, Recording.state == RecordingPhase.RECORDING)
        .values(state=RecordingPhase.FINISHING)
    )


async def visible_recordings(
    session: AsyncSession, user: User, *, deleted_too: bool = False
) -> Select[Recording]:
    """What a person may see; administrators all.

    Their own, those of lessons in which their school sat, and what their owners show to more: to
    the schools that are in the community now, or to the region.
    """
    query = select(Recording)
    if not deleted_too:
        query = query.where(Recording.deleted_at.is_(None))
    if user.role is UserRole.ADMINISTRATOR:
        return query
    may = [Recording.visibility == Visibility.REGION, Recording.teacher_id == user.id]
    if user.school_id is not None:
        sat_in = select(RecordingSchool.recording_id).where(
            RecordingSchool.school_id == user.school_id
        )
        communities = await communities_of_school(session, user.school_id)
        shown = and_(
            Recording.visibility == Visibility.COMMUNITY, Recording.community_id.in_(communities)
        )
        may += [Recording.id.in_(sat_in), shown]
    return query.where(or_(*may))


async def find_recordings(
    session: AsyncSession,
    user: User,
    *,
    words: str = "",
    subject: str = "",
    school: str = "",
    since: float | None = None,
    until: float | None = None,
    asked: Asked,
) -> Page[Recording]:
    """A page of the recordings that fit, the newest first. Each word must occur somewhere."""
    query = await visible_recordings(session, user)
    for word in words.split():
        in_school = select(RecordingSchool.recording_id).where(_has(RecordingSchool.name, word))
        query = query.where(
            or_(
                _has(Recording.title, word),
                _has(Recording.subject, word),
                _has(Recording.grade, word),
                _has(Recording.teacher_name, word),
                Recording.id.in_(in_school),
            )
        )
    if subject:
        query = query.where(Recording.subject == subject)
    if school:
        query = query.where(
            Recording.id.in_(
                select(RecordingSchool.recording_id).where(RecordingSchool.name == school)
            )
        )
    if since is not None:
        query = query.where(Recording.started_at >= since)
    if until is not None:
        query = query.where(Recording.started_at < until)
    return await page_of(session, query, _NEWEST_FIRST, asked)


def _has(text: InstrumentedAttribute[str], word: str) -> ColumnElement[bool]:
    return or_(*(text.icontains(each, autoescape=True) for each in _spellings(word)))


def _spellings(word: str) -> Iterable[str]:
    """The word as it may stand in what people typed: an input method writes letters and figures
    wide as well, and only ASCII's case is none to SQLite."""
    narrow = unicodedata.normalize("NFKC", word)
    forms = dict.fromkeys((word, narrow, narrow.translate(_WIDE)))
    for form in forms:
        cases = (form,) if form.isascii() else (form, form.lower(), form.upper())
        yield from dict.fromkeys(cases)


async def get_visible_recording(
    session: AsyncSession, user: User, recording_id: str, *, deleted_too: bool = False
) -> Recording:
    """The recording with its manifest, if this person may see it; refuses with 404 otherwise."""
    query = await visible_recordings(session, user, deleted_too=deleted_too)
    query = query.where(Recording.id == recording_id).options(undefer(Recording.manifest))
    recording = await session.scalar(query)
    if recording is None:
        raise not_found("课程录像", "recording")
    return recording


def rights_of(user: User, recording: Recording) -> set[Right]:
    """What this person may do with a recording they see."""
    standings = standings_of(user, recording.teacher_id)
    return {Right.CHANGE, Right.SEE_FAULTS} & rights_by(standings)


def refuse_unfinished(recording: Recording) -> None:
    """Refuses (409) to delete what is still being written."""
    if recording.state in {RecordingPhase.RECORDING, RecordingPhase.FINISHING}:
        raise Refusal(
            409,
            "recording-unfinished",
            Text(
                "录制尚未完成，请在完成后删除。",
                "This recording is not finished yet. Delete it when it is.",
            ),
        )


def refuse_not_failed(recording: Recording) -> None:
    """Refuses (409) to finish once more what has not failed."""
    if recording.state is not RecordingPhase.FAILED:
        raise Refusal(
            409,
            "recording-not-failed",
            Text("这个录像没有失败，无需重新整理。", "This recording has not failed."),
        )


def not_recording() -> Refusal:
    """This server records nothing."""
    return Refusal(
        503,
        "not-recording",
        Text("这台服务器不录制课程。", "This server records no lessons."),
    )


def manifest_of(recording: Recording) -> Manifest | None:
    """What a recording holds; None until it can be played.

    Refuses (409) what this version cannot read.
    """
    if recording.state is not RecordingPhase.READY:
        return None
    try:
        return manifest_from(recording.manifest, where=f"the row of recording {recording.id}")
    except ManifestError as error:
        raise unreadable(recording, error) from None


def unreadable(recording: Recording, why: Exception) -> Refusal:
    """What a recording holds is none of what this version knows."""
    _log.error("a recording cannot be read", recording=recording.id, why=str(why))
    return Refusal(
        409,
        "manifest-unreadable",
        Text(
            "无法读取这个录像的内容，请联系管理员。",
            "What this recording holds cannot be read. Tell an administrator.",
        ),
    )


async def media_file(store: Store, recording: Recording, name: str) -> Path | StoredFile:
    """Where a file of the recording is read; refuses (404) what its manifest does not name."""
    manifest = manifest_of(recording)
    if manifest is not None and name in manifest.files:
        found = await store.open(recording.id, name) or await store.stream(recording.id, name)
        if found is not None:
            return found
    raise not_found("文件", "file")


async def _restore(session: AsyncSession, recording: Recording, deleted_at: float) -> None:
    """Who brings back what a rule deleted wants it kept: the rule passes over it from now on."""
    recording.spared = recording.spared or recording.by_rule
    recording.by_rule = False


RECORDINGS = Deletable("recordings", Recording, lambda row: row.title, on_restore=_restore)
