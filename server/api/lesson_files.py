"""Files of a whole lesson: asked for, waited for, given up, downloaded."""

from __future__ import annotations

import datetime
import re
from typing import Annotated, Literal

from fastapi import Query
from fastapi.responses import FileResponse

from server.api.access import Person, ServicesOf
from server.api.areas import area
from server.api.fields import Id, View
from server.database.models import Recording, User
from server.errors import Refusal, Text
from server.recordings.lesson_file_kinds import FileKind, Wanted
from server.recordings.lesson_files import FilePhase, FileStanding
from server.recordings.library import get_visible_recording, manifest_of
from server.recordings.library_facts import facts_of
from server.services import Services

router = area("library")

Language = Annotated[Literal["zh", "en"], Query()]
Kind = Annotated[FileKind, Query()]
# What no file system takes in a name.
_NOT_IN_NAMES = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f]+')
_MOST_SIGNS = 60  # of three bytes each in Chinese: a name has 255 bytes at most


class LessonFileView(View):
    """Where a lesson's file stands: how far it is (0 to 1), its size and address when it is ready,
    why it failed, or (with `none`) that an earlier server has not made what was asked of it."""

    state: FilePhase
    share: float
    bytes: int
    address: str | None
    message_zh: str
    message_en: str


@router.post("/api/recordings/{recording_id}/file")
async def ask_for_file(
    *,
    recording_id: Id,
    person: Person,
    services: ServicesOf,
    language: Language = "zh",
    kind: Kind = FileKind.TRACKS,
) -> LessonFileView:
    """Have a file made of the whole lesson: each picture and each sound as a track (`tracks`), one
    picture and one sound as the class saw it (`film`), or an export that plays from a disk
    (`export`).

    Refuses (429) who waits for several, (503) while too many wait, and (507) when the server has no
    room for it. The titles of its tracks are in this language.
    """
    _, wanted = await _wanted(recording_id, person, services, kind=kind, language=language)
    standing = await services.lesson_files.ask(wanted, person=person.id)
    return _view(wanted, standing, language)


@router.get("/api/recordings/{recording_id}/file")
async def lesson_file_standing(
    *,
    recording_id: Id,
    person: Person,
    services: ServicesOf,
    language: Language = "zh",
    kind: Kind = FileKind.TRACKS,
) -> LessonFileView:
    """Where the lesson's file stands."""
    _, wanted = await _wanted(recording_id, person, services, kind=kind, language=language)
    return _view(wanted, services.lesson_files.standing(wanted), language)


@router.delete("/api/recordings/{recording_id}/file", status_code=204)
async def give_file_up(
    *,
    recording_id: Id,
    person: Person,
    services: ServicesOf,
    language: Language = "zh",
    kind: Kind = FileKind.TRACKS,
) -> None:
    """I no longer want it: it is not made any further when nobody else does."""
    _, wanted = await _wanted(recording_id, person, services, kind=kind, language=language)
    await services.lesson_files.give_up(wanted, person=person.id)


@router.get("/media/lessons/{recording_id}")
@router.head("/media/lessons/{recording_id}", include_in_schema=False)
async def lesson_file(
    *,
    recording_id: Id,
    person: Person,
    services: ServicesOf,
    language: Language = "zh",
    kind: Kind = FileKind.TRACKS,
) -> FileResponse:
    """The lesson as one file, when it is made; byte ranges."""
    row, wanted = await _wanted(recording_id, person, services, kind=kind, language=language)
    return FileResponse(
        services.lesson_files.file(wanted),
        media_type=kind.media_type,
        filename=file_name(row.title, row.started_at, kind.suffix),
        headers={"cache-control": "no-store"},
    )


def file_name(title: str, started_at: float, suffix: str = ".mkv") -> str:
    """As people find it again: the lesson and its day."""
    day = datetime.datetime.fromtimestamp(started_at).astimezone().date().isoformat()
    words = _NOT_IN_NAMES.sub(" ", title)[:_MOST_SIGNS]
    return f"{' '.join(words.split()) or 'lesson'} {day}{suffix}"


async def _wanted(
    recording_id: str,
    person: User,
    services: Services,
    *,
    kind: FileKind,
    language: Literal["zh", "en"],
) -> tuple[Recording, Wanted]:
    async with services.database.read() as session:
        row = await get_visible_recording(session, person, recording_id)
        facts = await facts_of(session, row)
    manifest = manifest_of(row)
    if manifest is None:
        raise Refusal(
            409,
            "recording-unfinished",
            Text(
                "录制尚未完成，请在完成后下载。",
                "This recording is not finished yet. Download it when it is.",
            ),
        )
    return row, Wanted(row.id, manifest, facts, kind, language == "zh")


def _view(wanted: Wanted, standing: FileStanding, language: str) -> LessonFileView:
    ready = standing.phase is FilePhase.READY
    of_kind = "" if wanted.kind is FileKind.TRACKS else f"&kind={wanted.kind}"
    return LessonFileView(
        state=standing.phase,
        share=standing.share,
        bytes=standing.bytes,
        address=f"/media/lessons/{wanted.recording_id}?language={language}{of_kind}"
        if ready
        else None,
        message_zh=standing.why.zh if standing.why else "",
        message_en=standing.why.en if standing.why else "",
    )
