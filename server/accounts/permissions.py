"""Who may do what over HTTP, as one table; `docs/http_api.md` shows it, and a test tries it.

The doors of the routes are made from it (`server.api.areas`): what is not in it cannot be called.
What a person is to a lesson or a recording is known only when that is found, so its route asks by
the right that stands here. What a person sees at all is the queries' (`visible_lessons`,
`visible_recordings`): the rest is not found. Who may do what within a lesson in progress is
`signaling.lesson.rules`'.
"""

from __future__ import annotations

from collections.abc import Set
from enum import StrEnum

from server.database.models import User, UserRole
from server.errors import Refusal, Text
from signaling.protocol.messages import Role


class Standing(StrEnum):
    """What a caller is: to the server, or to the lesson or recording that the call is about."""

    ANYBODY = "anybody"
    SIGNED_IN = "who is signed in"
    TEACHER = "its teacher"
    ADMINISTRATOR = "an administrator"
    COLLEAGUE = "a colleague of the school while nobody leads it"
    SCHOOL = "a teacher of the seat's school (for an assistant: of any that sits in the lesson)"
    ROOM_DEVICE = "a room's device, by its credential"
    SCREEN = "a room's screen that waits to be paired, by its secret"
    MONITOR = "this machine, or who has the `metrics_token`"
    ADMITTED = "who has a join token"
    ENCODER = "an encoder, by its source key"
    WATCHER = "who has a lesson's watch address"
    OPENER = "who opened the session and knows its address"


_WHO = {  # those of whom refusals speak
    Standing.TEACHER: Text("本课的主讲教师", "the lesson's teacher"),
    Standing.ADMINISTRATOR: Text("管理员", "an administrator"),
    Standing.COLLEAGUE: Text(
        "无人主讲时本校的同事", "a colleague of the school while nobody leads it"
    ),
}


class Right(StrEnum):
    """What the pages offer to those who may. Each session, lesson and recording tells its own."""

    ADMINISTER = "administer"
    CHANGE = "change"  # a lesson: and start, cancel; a recording: and delete, restore, finish again
    TAKE_OVER = "take-over"
    END = "end"
    SEE_FAULTS = "see-faults"  # why something of a recording is missing, with the disk's folders


_EVERYBODY = frozenset({Standing.ANYBODY})
_PEOPLE = frozenset({Standing.SIGNED_IN})
_ADMINISTRATORS = frozenset({Standing.ADMINISTRATOR})
_OWNERS = _ADMINISTRATORS | {Standing.TEACHER}
_HELPERS = _OWNERS | {Standing.COLLEAGUE}
_ROOM_DEVICES = frozenset({Standing.ROOM_DEVICE})
_SCREENS = _ROOM_DEVICES | {Standing.SCREEN}
_MONITORS = frozenset({Standing.MONITOR})
_ADMITTED = frozenset({Standing.ADMITTED})
_OPENERS = frozenset({Standing.OPENER})
_WATCHERS = frozenset({Standing.WATCHER})

RIGHTS: dict[Right, frozenset[Standing]] = {
    Right.ADMINISTER: _ADMINISTRATORS,
    Right.CHANGE: _OWNERS,
    Right.TAKE_OVER: _HELPERS,
    Right.END: _HELPERS,
    Right.SEE_FAULTS: _ADMINISTRATORS,
}

SEATS: dict[Role, frozenset[Standing]] = {  # for whom there is a join token
    Role.LEAD: _OWNERS,
    Role.ROOM: _OWNERS | {Standing.SCHOOL},
    Role.ASSISTANT: _OWNERS | {Standing.SCHOOL},
    Role.OBSERVER: _PEOPLE,
}

PERMISSIONS: dict[str, frozenset[Standing]] = {
    "GET /healthz": _EVERYBODY,
    "GET /readyz": _EVERYBODY,
    "GET /metrics": _MONITORS,
    "GET /api/docs": _EVERYBODY,
    "GET /api/openapi.json": _EVERYBODY,
    "GET /{name:path}": _EVERYBODY,  # the pages
    # people
    "GET /api/setup": _EVERYBODY,
    "POST /api/setup": _EVERYBODY,
    "GET /api/session": _EVERYBODY,
    "POST /api/session": _EVERYBODY,
    "POST /api/session/key": _EVERYBODY,
    "POST /api/session/password": _PEOPLE,
    "DELETE /api/session": _EVERYBODY,
    "GET /api/users": RIGHTS[Right.ADMINISTER],
    "POST /api/users": RIGHTS[Right.ADMINISTER],
    "PATCH /api/users/{user_id}": RIGHTS[Right.ADMINISTER],
    "DELETE /api/users/{user_id}": RIGHTS[Right.ADMINISTER],
    # places
    "GET /api/schools": _PEOPLE,
    "POST /api/schools": RIGHTS[Right.ADMINISTER],
    "PATCH /api/schools/{school_id}": RIGHTS[Right.ADMINISTER],
    "DELETE /api/schools/{school_id}": RIGHTS[Right.ADMINISTER],
    "GET /api/classrooms": _PEOPLE,
    "POST /api/classrooms": RIGHTS[Right.ADMINISTER],
    "PATCH /api/classrooms/{classroom_id}": RIGHTS[Right.ADMINISTER],
    "DELETE /api/classrooms/{classroom_id}": RIGHTS[Right.ADMINISTER],
    "GET /api/classrooms/{classroom_id}/credentials": RIGHTS[Right.ADMINISTER],
    "POST /api/classrooms/{classroom_id}/credentials": RIGHTS[Right.ADMINISTER],
    "DELETE /api/credentials/{credential_id}": RIGHTS[Right.ADMINISTER],
    "POST /api/classrooms/{classroom_id}/room_files": RIGHTS[Right.ADMINISTER],
    "POST /api/classrooms/{classroom_id}/pair": RIGHTS[Right.ADMINISTER],
    "POST /api/pairing": _EVERYBODY,  # a room's screen, before it is anybody
    "GET /api/pairing": _SCREENS,
    "GET /api/classrooms/{classroom_id}/source_keys": RIGHTS[Right.ADMINISTER],
    "POST /api/classrooms/{classroom_id}/source_keys": RIGHTS[Right.ADMINISTER],
    "DELETE /api/source_keys/{key_id}": RIGHTS[Right.ADMINISTER],
    "GET /api/profiles": _PEOPLE,
    "GET /api/communities": _PEOPLE,
    "POST /api/communities": RIGHTS[Right.ADMINISTER],
    "PATCH /api/communities/{community_id}": RIGHTS[Right.ADMINISTER],
    "DELETE /api/communities/{community_id}": RIGHTS[Right.ADMINISTER],
    # lessons
    "GET /api/lessons": _PEOPLE,
    "POST /api/lessons": _PEOPLE,
    "POST /api/lessons/series": _PEOPLE,
    "GET /api/lessons/clashes": _PEOPLE,
    "GET /api/lessons/{lesson_id}": _PEOPLE,
    "PATCH /api/lessons/{lesson_id}": RIGHTS[Right.CHANGE],
    "DELETE /api/lessons/{lesson_id}": RIGHTS[Right.CHANGE],
    "POST /api/lessons/{lesson_id}/restore": RIGHTS[Right.CHANGE],
    "POST /api/lessons/{lesson_id}/start": RIGHTS[Right.CHANGE],
    "POST /api/lessons/{lesson_id}/take-over": RIGHTS[Right.TAKE_OVER],
    "POST /api/lessons/{lesson_id}/end": RIGHTS[Right.END],
    "POST /api/lessons/{lesson_id}/token": _PEOPLE,  # which one: `SEATS`
    "POST /api/lessons/{lesson_id}/watch": SEATS[Role.OBSERVER],
    "GET /hls/{key}/{name}": _WATCHERS,
    "GET /api/lessons/{lesson_id}/pushes": RIGHTS[Right.CHANGE],
    "POST /api/lessons/{lesson_id}/pushes": RIGHTS[Right.CHANGE],
    "DELETE /api/lessons/{lesson_id}/pushes/{push_id}": RIGHTS[Right.CHANGE],
    "GET /api/lessons/{lesson_id}/readiness": _PEOPLE,
    "GET /api/lessons/{lesson_id}/stats": RIGHTS[Right.ADMINISTER],
    "GET /api/room": _ROOM_DEVICES,
    "GET /api/room/line": _ROOM_DEVICES,
    "GET /api/room/line/down": _ROOM_DEVICES,
    "POST /api/room/line/up": _ROOM_DEVICES,
    "POST /api/room/checks": _ROOM_DEVICES,
    "GET /api/classrooms/{classroom_id}/checks": RIGHTS[Right.ADMINISTER],
    "GET /api/classrooms/{classroom_id}/checks/{check_id}": RIGHTS[Right.ADMINISTER],
    "GET /api/classrooms/{classroom_id}/checks/{check_id}/page": RIGHTS[Right.ADMINISTER],
    "GET /api/room/profile": _ROOM_DEVICES,
    "GET /api/room/timetable": _ROOM_DEVICES,
    "POST /api/room/readiness": _ROOM_DEVICES,
    "GET /ws": _ADMITTED,  # its first message has the token
    "POST /whip/{source}": _ADMITTED | {Standing.ENCODER},
    "POST /whep": _ADMITTED,
    "PATCH /whip/sessions/{session_id}": _OPENERS,
    "PATCH /whep/sessions/{session_id}": _OPENERS,
    "DELETE /whip/sessions/{session_id}": _OPENERS,
    "DELETE /whep/sessions/{session_id}": _OPENERS,
    # recordings
    "GET /api/recordings": _PEOPLE,
    "GET /api/recordings/{recording_id}": _PEOPLE,
    "PATCH /api/recordings/{recording_id}": RIGHTS[Right.CHANGE],
    "DELETE /api/recordings/{recording_id}": RIGHTS[Right.CHANGE],
    "POST /api/recordings/{recording_id}/restore": RIGHTS[Right.CHANGE],
    "POST /api/recordings/{recording_id}/finish": RIGHTS[Right.CHANGE],
    "GET /media/recordings/{recording_id}/{name:path}": _PEOPLE,
    "GET /api/recordings/{recording_id}/file": _PEOPLE,
    "POST /api/recordings/{recording_id}/file": _PEOPLE,
    "DELETE /api/recordings/{recording_id}/file": _PEOPLE,
    "GET /media/lessons/{recording_id}": _PEOPLE,
    # the whole
    "GET /api/deleted": RIGHTS[Right.ADMINISTER],
    "POST /api/deleted/{kind}/{row_id}/restore": RIGHTS[Right.ADMINISTER],
    "GET /api/admin/live": RIGHTS[Right.ADMINISTER],
    "DELETE /api/admin/live/{lesson_id}/devices/{device_id}": RIGHTS[Right.ADMINISTER],
    "POST /api/admin/live/{lesson_id}/seats/{seat_id}/readmit": RIGHTS[Right.ADMINISTER],
    "GET /api/admin/media": RIGHTS[Right.ADMINISTER],
    "GET /api/admin/import/template.{form}": RIGHTS[Right.ADMINISTER],
    "POST /api/admin/import/preview": RIGHTS[Right.ADMINISTER],
    "POST /api/admin/import": RIGHTS[Right.ADMINISTER],
    "GET /api/admin/server": RIGHTS[Right.ADMINISTER],
    "GET /api/admin/archive": RIGHTS[Right.ADMINISTER],
    "POST /api/admin/archive/{recording_id}/restore": RIGHTS[Right.ADMINISTER],
    "GET /api/admin/server/check": RIGHTS[Right.ADMINISTER],
    "GET /api/admin/server/check/page": RIGHTS[Right.ADMINISTER],
    "GET /api/admin/certificate": RIGHTS[Right.ADMINISTER],
    "GET /api/trust": _EVERYBODY,
    "GET /api/trust/tongke-ca.crt": _EVERYBODY,
    "GET /api/trust/tongke-ca.pem": _EVERYBODY,
    "GET /api/trust/{name}": _EVERYBODY,
}


def standings_of(user: User, teacher_id: str | None = None) -> frozenset[Standing]:
    """What a person is to the server, and to a lesson or recording of this teacher."""
    found = {Standing.ANYBODY, Standing.SIGNED_IN}
    if user.role is UserRole.ADMINISTRATOR:
        found.add(Standing.ADMINISTRATOR)
    if user.id == teacher_id:
        found.add(Standing.TEACHER)
    return frozenset(found)


def rights_by(standings: Set[Standing]) -> set[Right]:
    """All that who is this may do."""
    return {right for right, who in RIGHTS.items() if who & standings}


def refuse_without(right: Right, user: User, teacher_id: str | None = None) -> None:
    """Refuses (403) who has not this right, over a lesson or recording of this teacher."""
    who = RIGHTS[right]
    if not who & standings_of(user, teacher_id):
        raise only_for(who)


def only_for(who: Set[Standing]) -> Refusal:
    """The refusal (403) of people who are none of these."""
    words = [text for standing, text in _WHO.items() if standing in who]
    zh, en = [text.zh for text in words], [text.en for text in words]
    return Refusal(
        403,
        "administrator-only" if who == _ADMINISTRATORS else "not-its-teacher",
        Text(
            f"只有{_listed(zh, '、', '或')}可以这样做。",
            f"Only {_listed(en, ', ', ' or ')} may do this.",
        ),
    )


def _listed(words: list[str], comma: str, last: str) -> str:
    return last.join(filter(None, (comma.join(words[:-1]), words[-1])))
