"""The library: `/api/recordings`, and the files that the player plays."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Annotated, NamedTuple

from fastapi import Query, Request, Response
from fastapi.responses import FileResponse

from recorder.manifest import Missing, Part, RecordedEvent, Strip
from recorder.records import PROGRAM_SEAT
from server.accounts.permissions import Right, refuse_without
from server.api.access import Person, ServicesOf
from server.api.areas import area
from server.api.fields import Body, Id, Moment, SearchText, Title, View, Word
from server.api.pages import Pages
from server.api.stored_response import stored_response
from server.database.models import Recording, RecordingPhase, User, Visibility
from server.recordings.library import (
    RECORDINGS,
    find_recordings,
    get_visible_recording,
    manifest_of,
    media_file,
    not_recording,
    refuse_not_failed,
    refuse_unfinished,
    rights_of,
    unreadable,
)
from server.recordings.objects import ObjectsAway
from server.recordings.ordinary import OrdinaryFile, ordinary_file
from server.services import DELETION, Services
from signaling.protocol.messages import LessonSource, Source

router = area("library")

FileName = Annotated[str, "a path below the recording's folder"]
# `mimetypes` knows the common ones; these it does not know everywhere
_TYPES = {
    ".m3u8": "application/vnd.apple.mpegurl",
    ".m4s": "video/iso.segment",
    ".mp4": "video/mp4",
    ".vtt": "text/vtt",
    ".webm": "video/webm",
}


class PartView(Part):
    """One file that the player plays: a seat's picture and sound in step."""

    source: Source


class ProgramPartView(Part):
    """One file of the lesson's program: all rooms in one picture, all voices in one sound.

    What is heard in it is in `parts` as well.
    """

    source: LessonSource


class PauseView(View):
    """A time in which nothing was recorded: why, by its code.

    Before its `duration_s`, `before_s` more of it lie before the recording begins.
    """

    start_s: float
    duration_s: float
    before_s: float
    code: str


class MissingView(View):
    """Something that was recorded and cannot be played; of a damaged journal nobody knows what."""

    seat_id: str
    source: Source | LessonSource | None
    start_s: float


class InterruptionView(View):
    """Why a recording that goes on is not whole; one that is not `over` stands still now."""

    code: str
    over: bool


class RecordingView(View):
    """In lists `parts`, `program`, `events`, `pauses`, `missing` are empty; `incomplete` is not."""

    id: str
    lesson_id: str | None
    title: str
    subject: str
    grade: str
    teacher: str
    teacher_id: str | None
    schools: list[str]
    started_at: float
    duration_s: float
    state: RecordingPhase
    poster: str | None
    strip: Strip | None
    visibility: Visibility
    parts: tuple[PartView, ...]
    program: tuple[ProgramPartView, ...]
    events: tuple[RecordedEvent, ...]
    incomplete: str
    interrupted: InterruptionView | None
    pauses: tuple[PauseView, ...]
    missing: tuple[MissingView, ...]
    may: list[Right]


class Held(NamedTuple):
    """What a recording's manifest says, as it is shown."""

    parts: tuple[PartView, ...] = ()
    program: tuple[ProgramPartView, ...] = ()
    events: tuple[RecordedEvent, ...] = ()
    pauses: tuple[PauseView, ...] = ()
    missing: tuple[MissingView, ...] = ()
    strip: Strip | None = None


class RecordingChange(Body):
    title: Title | None = None
    subject: Word | None = None
    grade: Word | None = None
    visibility: Visibility | None = None


def _view(recording: Recording, person: User, services: Services, *, whole: bool) -> RecordingView:
    may = rights_of(person, recording)
    why, interruption = recording.failure, None
    if services.recording is not None and recording.state is RecordingPhase.RECORDING:
        interruption = services.recording.interruption_of(recording.id)
        why = interruption.text if interruption and not interruption.wished else ""
    if why and Right.SEE_FAULTS not in may:
        why = "Something is missing; an administrator sees why."  # it may name the disk's folders
    held = _held(recording) if whole else Held()
    return RecordingView(
        id=recording.id,
        lesson_id=recording.lesson_id,
        title=recording.title,
        subject=recording.subject,
        grade=recording.grade,
        teacher=recording.teacher_name,
        teacher_id=recording.teacher_id,
        schools=[school.name for school in recording.schools],
        started_at=recording.started_at,
        duration_s=recording.duration_s,
        state=recording.state,
        poster=recording.poster or None,
        strip=held.strip,
        visibility=recording.visibility,
        parts=held.parts,
        program=held.program,
        events=held.events,
        incomplete=why,
        interrupted=InterruptionView(code=interruption.code, over=interruption.over)
        if interruption
        else None,
        pauses=held.pauses,
        missing=held.missing,
        may=sorted(may),
    )


def _held(recording: Recording) -> Held:
    manifest = manifest_of(recording)
    if manifest is None:
        return Held()
    try:
        return Held(
            tuple(PartView(**dict(part)) for part in manifest.parts if not part.is_program),
            tuple(ProgramPartView(**dict(part)) for part in manifest.parts if part.is_program),
            manifest.events,
            tuple(
                PauseView(
                    start_s=one.start_s,
                    duration_s=one.duration_s,
                    before_s=one.before_s,
                    code=one.code,
                )
                for one in manifest.pauses
            ),
            tuple(
                MissingView(
                    seat_id=one.seat_id,
                    source=_source_of(one),
                    start_s=one.start_s,
                )
                for one in manifest.missing
            ),
            manifest.strip,
        )
    except ValueError as error:  # a source that no lesson has
        raise unreadable(recording, error) from None


def _source_of(one: Missing) -> Source | LessonSource | None:
    if not one.source:
        return None
    return LessonSource(one.source) if one.seat_id == PROGRAM_SEAT else Source(one.source)


@router.get("/api/recordings")
async def recordings(
    *,
    person: Person,
    services: ServicesOf,
    text: SearchText = "",
    subject: SearchText = "",
    school: SearchText = "",
    since: Annotated[Moment | None, Query(alias="from")] = None,
    until: Annotated[Moment | None, Query(alias="to")] = None,
    pages: Pages,
) -> list[RecordingView]:
    """The recordings I may see that fit, the newest first, a page at a time."""
    async with services.database.read() as session:
        found = await find_recordings(
            session,
            person,
            words=text,
            subject=subject,
            school=school,
            since=since,
            until=until,
            asked=pages.asked,
        )
    return [_view(row, person, services, whole=False) for row in pages.rows(found)]


@router.get("/api/recordings/{recording_id}")
async def recording(recording_id: Id, person: Person, services: ServicesOf) -> RecordingView:
    """One recording with all that the player plays."""
    async with services.database.read() as session:
        row = await get_visible_recording(session, person, recording_id)
        return _view(row, person, services, whole=True)


@router.patch("/api/recordings/{recording_id}")
async def update_recording(
    recording_id: Id, body: RecordingChange, person: Person, services: ServicesOf
) -> RecordingView:
    """Change a recording's words, or who may see it."""
    async with services.database.write() as session:
        row = await get_visible_recording(session, person, recording_id)
        refuse_without(Right.CHANGE, person, row.teacher_id)
        for name in body.model_fields_set:
            if (value := getattr(body, name)) is not None:
                setattr(row, name, value)
        return _view(row, person, services, whole=True)


@router.delete("/api/recordings/{recording_id}", status_code=204)
async def delete_recording(recording_id: Id, person: Person, services: ServicesOf) -> None:
    """Delete a recording; its files go when it can no longer be restored."""
    async with services.database.write() as session:
        row = await get_visible_recording(session, person, recording_id)
        refuse_without(Right.CHANGE, person, row.teacher_id)
        refuse_unfinished(row)
        await DELETION.delete(session, row, services.clock())


@router.post("/api/recordings/{recording_id}/restore")
async def restore_recording(
    recording_id: Id, person: Person, services: ServicesOf
) -> RecordingView:
    """Undo a recording's deletion while its files are kept; what stands stays as it is."""
    async with services.database.write() as session:
        row = await get_visible_recording(session, person, recording_id, deleted_too=True)
        refuse_without(Right.CHANGE, person, row.teacher_id)
        if row.deleted_at is not None:
            await DELETION.restore(session, RECORDINGS.kind, row.id)
        return _view(row, person, services, whole=True)


@router.post("/api/recordings/{recording_id}/finish")
async def finish_recording(recording_id: Id, person: Person, services: ServicesOf) -> RecordingView:
    """Try once more to make a recording playable that failed."""
    async with services.database.write() as session:
        row = await get_visible_recording(session, person, recording_id)
        refuse_without(Right.CHANGE, person, row.teacher_id)
        refuse_not_failed(row)
        if services.recording is None:
            raise not_recording()
        services.recording.finish_again(recording_id)
        row.state = RecordingPhase.FINISHING
        return _view(row, person, services, whole=True)


@router.get("/media/recordings/{recording_id}/{name:path}")
@router.head("/media/recordings/{recording_id}/{name:path}", include_in_schema=False)
async def recording_file(
    *,
    recording_id: Id,
    name: FileName,
    ordinary: bool = False,
    person: Person,
    services: ServicesOf,
    request: Request,
) -> Response:
    """A file of a recording; byte ranges. With `ordinary` a part is an MP4 as any program plays it,
    with its index in front, for whoever keeps it.
    """
    async with services.database.read() as session:
        row = await get_visible_recording(session, person, recording_id)
    found = await media_file(services.store, row, name)
    if ordinary:
        found = await _ordinary(services, row.id, name) or found
    media_type = _TYPES.get(PurePosixPath(name).suffix)
    # No cache keeps it, not even the browser's: at a shared PC the next person finds nothing.
    # A player that seeks back behind its buffer asks again.
    headers = {"cache-control": "no-store"}
    if isinstance(found, Path):
        return FileResponse(found, media_type=media_type, headers=headers)
    return await stored_response(found, request, media_type=media_type, headers=headers)


async def _ordinary(services: Services, recording_id: str, name: str) -> OrdinaryFile | None:
    """What lies elsewhere is brought here: its index is made of the whole of it."""
    try:
        path = await services.store.bring(recording_id, name)
        return await ordinary_file(path) if path is not None else None
    except (ObjectsAway, OSError):
        return None  # it goes as it is, as far as it goes
