"""A small county, made over the HTTP interface as an administrator makes one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.browser.screens import WAIT_S, Screen

ADMINISTRATOR = {"username": "admin", "password": "a long enough password"}
TEACHER = {"username": "li.min", "password": "another long password"}
LEAD_ROOM = "Studio"
ROOMS = ("Shanhe", "Yunling", "Qingxi")


@dataclass
class County:
    """One community: a lead school, three rural rooms with credentials, a teacher."""

    origin: str
    lead_classroom_id: str
    room_ids: dict[str, str]
    credentials: dict[str, str]
    community_id: str
    teacher: httpx.Client = field(repr=False)

    @classmethod
    def founded(cls, origin: str, setup_key: str, profile: str) -> County:
        """Sets the administrator's password and makes schools, rooms, credentials, a teacher."""
        admin = client(origin)
        post(
            admin,
            "/api/setup",
            key=setup_key,
            username=ADMINISTRATOR["username"],
            display_name="Administrator",
            password=ADMINISTRATOR["password"],
        )
        lead = post(admin, "/api/schools", name="City School", kind="urban")["id"]
        lead_room = post(
            admin, "/api/classrooms", school_id=lead, name=LEAD_ROOM, profile="teacher-laptop"
        )["id"]
        schools, rooms, credentials = [], {}, {}
        for name in ROOMS:
            school = post(admin, "/api/schools", name=f"{name} School", kind="rural")["id"]
            room = post(admin, "/api/classrooms", school_id=school, name=name, profile=profile)
            schools.append(school)
            rooms[name] = room["id"]
            credentials[name] = post(
                admin, f"/api/classrooms/{room['id']}/credentials", label="room PC"
            )["secret"]
        community = post(
            admin,
            "/api/communities",
            name="City and three",
            lead_school_id=lead,
            partner_school_ids=schools,
        )["id"]
        post(
            admin,
            "/api/users",
            username=TEACHER["username"],
            display_name="Li Min",
            password=TEACHER["password"],
            role="teacher",
            school_id=lead,
        )
        admin.close()
        teacher = client(origin)
        post(teacher, "/api/session", **TEACHER)
        return cls(origin, lead_room, rooms, credentials, community, teacher)

    def lesson_now(self, *, mode: str = "delivery", record: bool = False) -> str:
        """Starts a lesson with all three rooms; returns its id."""
        return self._lesson(mode, record=record, starts_at=None)

    def lesson_at(self, starts_at: float) -> str:
        """Plans a lesson with all three rooms for this Unix time; returns its id."""
        return self._lesson("delivery", record=False, starts_at=int(starts_at))

    def _lesson(self, mode: str, *, record: bool, starts_at: int | None) -> str:
        return str(
            post(
                self.teacher,
                "/api/lessons",
                title="Fractions",
                subject="Mathematics",
                grade="4",
                mode=mode,
                community_id=self.community_id,
                lead_classroom_id=self.lead_classroom_id,
                room_classroom_ids=list(self.room_ids.values()),
                starts_at=starts_at,
                record=record,
            )["id"]
        )

    def seats(self, lesson_id: str) -> dict[str, str]:
        """A lesson's seats by their classrooms' names, the lead's as `LEAD_ROOM`."""
        lesson = self.teacher.get(f"/api/lessons/{lesson_id}").json()
        return {
            LEAD_ROOM if seat["role"] == "lead" else seat["name"]: seat["seat_id"]
            for seat in lesson["seats"]
        }

    def teach(self, screen: Screen, lesson_id: str) -> None:
        """The teacher signs in at this screen and enters the lesson."""
        page = screen.page
        page.goto(f"{self.origin}/sign-in")
        page.get_by_test_id("field-username").fill(TEACHER["username"])
        page.get_by_test_id("field-password").fill(TEACHER["password"])
        page.get_by_test_id("sign-in").click()
        page.wait_for_url(f"{self.origin}/")
        page.goto(f"{self.origin}/teach/{lesson_id}")
        page.get_by_test_id("device-start").click()


def client(origin: str) -> httpx.Client:
    """An HTTP client that accepts the server's own certificate and keeps its session."""
    return httpx.Client(
        base_url=origin,
        verify=False,  # noqa: S501 - the server has made it a moment ago
        timeout=WAIT_S,
        headers={"Origin": origin},
    )


def post(http: httpx.Client, path: str, **body: Any) -> dict[str, Any]:
    """Posts JSON and expects success."""
    answer = http.post(path, json=body)
    assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
    return dict(answer.json())
