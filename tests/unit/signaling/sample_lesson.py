"""The lesson that tests play: one lead and some rooms, what they send, who they are."""

from __future__ import annotations

from signaling.ports import Bearer, Identity, LessonPlan, SeatPlan, SignalingSettings
from signaling.protocol import messages as m
from signaling.protocol.messages import Mode, Role, Source

START = 1_700_000_000.0
LESSON = "lesson-1"
SETTINGS = SignalingSettings()
GRACE_S = SETTINGS.away_grace_s


def profile(*sources: Source) -> m.SendProfile:
    return m.SendProfile(
        name="test", sources=[m.SourceProfile(source=s, max_bitrate_bps=800_000) for s in sources]
    )


def plan(mode: Mode = Mode.BLENDED, *, rooms: int = 3, record: bool = False) -> LessonPlan:
    """One lead and some rooms, `room-1`, `room-2`, …"""
    usual = profile(Source.TEACHER, Source.STUDENTS, Source.ROOM)
    seats = [SeatPlan("lead", Role.LEAD, "Ms Li", "First School", usual)]
    seats += [
        SeatPlan(f"room-{n}", Role.ROOM, f"Class {n}", f"Village {n}", usual)
        for n in range(1, rooms + 1)
    ]
    return LessonPlan(LESSON, "Fractions", mode, START, record, tuple(seats))


def identity(seat: str, lesson_id: str = LESSON, bearer: Bearer | None = None) -> Identity:
    """`lead`, `room-…`, `assistant-…` or `observer-…` by name; a person's by default."""
    role = Role(seat.partition("-")[0])
    return Identity(lesson_id, seat, role, f"name of {seat}", bearer or bearer_of(seat))


def bearer_of(seat: str, *, room_device: bool = False) -> Bearer:
    """Whoever sits at this seat by themselves."""
    kind = "device" if room_device else "person"
    return Bearer(f"{kind}:{seat}", f"{kind} at {seat}", room_device)


def offer_of(*sources: Source, ufrag: str = "abcd") -> str:
    """A publish offer with one m-line per source, `mid` = the source's name."""
    lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0"]
    for source in sources:
        kind = "audio" if source is Source.ROOM else "video"
        lines += [
            f"m={kind} 9 UDP/TLS/RTP/SAVPF 96",
            f"a=mid:{source.value}",
            "a=sendonly",
            f"a=ice-ufrag:{ufrag}",
            "a=ice-pwd:0123456789012345678901",
        ]
    return "\r\n".join(lines) + "\r\n"


def publish(*sources: Source, **fields: str) -> m.Publish:
    return m.Publish(sdp=offer_of(*sources), sources={s.value: s for s in sources}, **fields)
