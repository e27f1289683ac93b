"""A lesson as one file: asked for, waited for, given up, downloaded."""

from __future__ import annotations

import datetime
import re
from typing import Annotated, Literal

from fastapi import Query
from fastapi.responses import FileResponse

from recorder.manifest import Manifest
from server.api.access import Person, ServicesOf
from server.api.areas import area
from server.api.fields import Id, View
from server.database.models import Recording, User
from server.errors import Refusal, Text
from server.recordings.lesson_files import FilePhase, FileStanding
from server.recordings.library import get_visible_recording, manifest_of
from server.services import Services

router = area("library")

Language = Annotated[Literal["zh", "en"], Query()]
# What no file system takes in a name.
_NOT_IN_NAMES = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f]+')
_MOST_SIGNS = 60  # of three bytes each in Chinese: a name has 255 bytes at most


class LessonFileView(View):
    """Where a lesson's file stands: how far it is (0 to 1), its size and address when it is ready,
    why it failed."""

    state: FilePhase
    share: float
    bytes: int
    address: str | None
    message_zh: str
    message_en: str


@router.post("/api/recordings/{recording_id}/file")
async def ask_for_file(
    recording_id: Id, person: Person, services: ServicesOf, language: Language = "zh"
) -> LessonFileView:
    """Have one file made of the whole lesson, with each picture and each sound as a track.

    Refuses (429) who waits for several, (503) while too many wait, and (507) when the server has no
    room for it. The titles of its tracks are in this language.
    """
    row, manifest = await _played(recording_id, person, services)
    standing = await services.lesson_files.ask(
        row.id, row.title, manifest, person=person.id, chinese=language == "zh"
    )
    return _view(row, standing, language)


@router.get("/api/recordings/{recording_id}/file")
async def lesson_file_standing(
    recording_id: Id, person: Person, services: ServicesOf, language: Language = "zh"
) -> LessonFileView:
    """Where the lesson's file stands."""
    row, manifest = await _played(recording_id, person, services)
    standing = services.lesson_files.standing(row.id, row.title, manifest, chinese=language == "zh")
    return _view(row, standing, language)


@router.delete("/api/recordings/{recording_id}/file", status_code=204)
async def give_file_up(
    recording_id: Id, person: Person, services: ServicesOf, language: Language = "zh"
) -> None:
    """I no longer want it: it is not made any further when nobody else does."""
    row, manifest = await _played(recording_id, person, services)
    await services.lesson_files.give_up(
        row.id, row.title, manifest, person=person.id, chinese=language == "zh"
    )


@router.get("/media/lessons/{recording_id}")
@router.head("/media/lessons/{recording_id}", include_in_schema=False)
async def lesson_file(
    recording_id: Id, person: Person, services: ServicesOf, language: Language = "zh"
) -> FileResponse:
    """The lesson as one file, when it is made; byte ranges."""
    row, manifest = await _played(recording_id, person, services)
    path = services.lesson_files.file(row.id, row.title, manifest, chinese=language == "zh")
    return FileResponse(
        path,
        media_type="video/x-matroska",
        filename=file_name(row.title, row.started_at),
        headers={"cache-control": "no-store"},
    )


def file_name(title: str, started_at: float) -> str:
    """As people find it again: the lesson and its day."""
    day = datetime.datetime.fromtimestamp(started_at).astimezone().date().isoformat()
    words = _NOT_IN_NAMES.sub(" ", title)[:_MOST_SIGNS]
    return f"{' '.join(words.split()) or 'lesson'} {day}.mkv"


async def _played(
    recording_id: str, person: User, services: Services
) -> tuple[Recording, Manifest]:
    async with services.database.read() as session:
        row = await get_visible_recording(session, person, recording_id)
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
    return row, manifest


def _view(row: Recording, standing: FileStanding, language: str) -> LessonFileView:
    ready = standing.phase is FilePhase.READY
    return LessonFileView(
        state=standing.phase,
        share=standing.share,
        bytes=standing.bytes,
        address=f"/media/lessons/{row.id}?language={language}" if ready else None,
        message_zh=standing.why.zh if standing.why else "",
        message_en=standing.why.en if standing.why else "",
    )
