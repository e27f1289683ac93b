"""The tables. Times are seconds since 1970; ids are short random strings.

Rows that people delete carry `deleted_at` and are kept for a while, so that a deletion can be
undone; every reader asks for `deleted_at IS NULL` itself. What a finished lesson or a recording
tells (names of teachers, schools, rooms) is copied into it: it stays true when they change.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Enum,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

NAMES = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
ALIVE = text("deleted_at IS NULL")


class SchoolKind(StrEnum):
    """Where a school stands in the 1 + M of a community."""

    URBAN = "urban"
    RURAL = "rural"


class UserRole(StrEnum):
    """What a person may do."""

    ADMINISTRATOR = "administrator"
    TEACHER = "teacher"


class LessonPhase(StrEnum):
    """A lesson's life: in the timetable, going on, over."""

    PLANNED = "planned"
    LIVE = "live"
    ENDED = "ended"


class RecordingPhase(StrEnum):
    """A recording's life."""

    RECORDING = "recording"
    FINISHING = "finishing"
    READY = "ready"
    FAILED = "failed"


class Retention(StrEnum):
    """What becomes of a community's recordings after some days."""

    KEEP = "keep"
    PROGRAM = "program"  # of each its program alone is kept
    DELETE = "delete"


class EncoderWay(StrEnum):
    """How the picture of a source key comes: the encoder sends it, or a camera is asked for it."""

    WHIP = "whip"
    RTMP = "rtmp"
    SRT = "srt"
    RTSP = "rtsp"


class Visibility(StrEnum):
    """Who may see a recording: the schools that sat in the lesson, always; by its owner's choice
    all schools that are in its community now, or everybody who signs in.
    """

    LESSON = "lesson"
    COMMUNITY = "community"
    REGION = "region"


def _words(kind: type[StrEnum]) -> Enum:
    """Enums are kept as their words, so that the database reads well and new words are easy."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=False,
        length=16,
        values_callable=lambda members: [member.value for member in members],
    )


class Base(DeclarativeBase):
    """All tables."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it as a class attribute
        SchoolKind: _words(SchoolKind),
        UserRole: _words(UserRole),
        LessonPhase: _words(LessonPhase),
        RecordingPhase: _words(RecordingPhase),
        Visibility: _words(Visibility),
        EncoderWay: _words(EncoderWay),
        Retention: _words(Retention),
        dict[str, Any]: JSON,
        list[Any]: JSON,
    }


class Row(Base):
    """What every row people make has."""

    __abstract__ = True

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    created_at: Mapped[float]
    deleted_at: Mapped[float | None] = mapped_column(default=None)


class School(Row):
    __tablename__ = "schools"
    __table_args__ = (
        Index("uq_schools_name", "name", unique=True, sqlite_where=ALIVE, postgresql_where=ALIVE),
    )

    name: Mapped[str] = mapped_column(String(120))
    kind: Mapped[SchoolKind]


class Classroom(Row):
    __tablename__ = "classrooms"
    __table_args__ = (
        Index(
            "uq_classrooms_name",
            "school_id",
            "name",
            unique=True,
            sqlite_where=ALIVE,
            postgresql_where=ALIVE,
        ),
    )

    school_id: Mapped[str] = mapped_column(ForeignKey("schools.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(120))
    profile: Mapped[str] = mapped_column(String(64))
    last_seen: Mapped[float | None] = mapped_column(default=None)
    school: Mapped[School] = relationship(lazy="joined", innerjoin=True)


class Credential(Base):
    """The long-lived secret of a room device, or of an encoder there; only its hash is kept.

    With a `source` it is a source key: it sends this source, the `way` it was made for, and opens
    no other door. `port` is an SRT key's; `sealed` a camera's login (`server.encoders.sealed`).
    """

    __tablename__ = "credentials"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    classroom_id: Mapped[str] = mapped_column(
        ForeignKey("classrooms.id", ondelete="CASCADE"), index=True
    )
    label: Mapped[str] = mapped_column(String(120))
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    source: Mapped[str | None] = mapped_column(String(16), default=None)
    way: Mapped[EncoderWay] = mapped_column(default=EncoderWay.WHIP, server_default="whip")
    port: Mapped[int | None] = mapped_column(default=None)
    sealed: Mapped[str | None] = mapped_column(Text, default=None)
    created_at: Mapped[float]
    last_used_at: Mapped[float | None] = mapped_column(default=None)
    revoked_at: Mapped[float | None] = mapped_column(default=None)


class Community(Row):
    """`retention_days` after a lesson its recording goes as `retention` says; `quota_gb` is what
    its recordings may take before that is warned of (None: anything)."""

    __tablename__ = "communities"
    __table_args__ = (
        Index(
            "uq_communities_name", "name", unique=True, sqlite_where=ALIVE, postgresql_where=ALIVE
        ),
    )

    name: Mapped[str] = mapped_column(String(120))
    lead_school_id: Mapped[str] = mapped_column(
        ForeignKey("schools.id", ondelete="CASCADE"), index=True
    )
    retention: Mapped[Retention] = mapped_column(default=Retention.KEEP, server_default="keep")
    retention_days: Mapped[int | None] = mapped_column(default=None)
    quota_gb: Mapped[float | None] = mapped_column(default=None)
    partners: Mapped[list[CommunityPartner]] = relationship(
        order_by="CommunityPartner.place", cascade="all, delete-orphan", lazy="selectin"
    )


class CommunityPartner(Base):
    __tablename__ = "community_partners"

    community_id: Mapped[str] = mapped_column(
        ForeignKey("communities.id", ondelete="CASCADE"), primary_key=True
    )
    school_id: Mapped[str] = mapped_column(
        ForeignKey("schools.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    place: Mapped[int]


class User(Row):
    """`username_key` is the user name folded for comparing: `Li.Wei` and `li.wei` are one."""

    __tablename__ = "users"
    __table_args__ = (
        Index(
            "uq_users_username_key",
            "username_key",
            unique=True,
            sqlite_where=ALIVE,
            postgresql_where=ALIVE,
        ),
    )

    username: Mapped[str] = mapped_column(String(64))
    username_key: Mapped[str] = mapped_column(String(64))
    display_name: Mapped[str] = mapped_column(String(120))
    role: Mapped[UserRole]
    school_id: Mapped[str | None] = mapped_column(ForeignKey("schools.id", ondelete="SET NULL"))
    password_hash: Mapped[str | None] = mapped_column(String(255), default=None)


class SignIn(Base):
    """A browser that is signed in; the cookie's hash is the key."""

    __tablename__ = "sign_ins"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[float]
    seen_at: Mapped[float]


class OneTimeKey(Base):
    """A key that works once: to set up the server, or to sign in as one user."""

    __tablename__ = "one_time_keys"

    key_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(16))
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    created_at: Mapped[float]
    expires_at: Mapped[float]


class Lesson(Row):
    __tablename__ = "lessons"
    __table_args__ = (Index("ix_lessons_state_starts_at", "state", "starts_at"),)

    title: Mapped[str] = mapped_column(String(120))
    subject: Mapped[str] = mapped_column(String(60))
    grade: Mapped[str] = mapped_column(String(60))
    mode: Mapped[str] = mapped_column(String(16))
    state: Mapped[LessonPhase]
    starts_at: Mapped[float]
    started_at: Mapped[float | None] = mapped_column(default=None)
    ended_at: Mapped[float | None] = mapped_column(default=None)
    end_reason: Mapped[str] = mapped_column(String(32), default="")
    record: Mapped[bool]
    community_id: Mapped[str | None] = mapped_column(
        ForeignKey("communities.id", ondelete="SET NULL"), index=True
    )
    teacher_id: Mapped[str | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    teacher_name: Mapped[str] = mapped_column(String(120))
    community: Mapped[Community | None] = relationship(lazy="joined")
    teacher: Mapped[User | None] = relationship(lazy="joined")
    seats: Mapped[list[LessonSeat]] = relationship(
        order_by="LessonSeat.place", cascade="all, delete-orphan", lazy="selectin"
    )


class LessonSeat(Base):
    """A planned seat; names are copied when the lesson opens, so that an old lesson still tells
    who was there. Before that `server.lessons.told` says how they are now."""

    __tablename__ = "lesson_seats"

    lesson_id: Mapped[str] = mapped_column(
        ForeignKey("lessons.id", ondelete="CASCADE"), primary_key=True
    )
    seat_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    place: Mapped[int]
    role: Mapped[str] = mapped_column(String(16))
    classroom_id: Mapped[str | None] = mapped_column(
        ForeignKey("classrooms.id", ondelete="SET NULL"), index=True
    )
    name: Mapped[str] = mapped_column(String(120))
    school: Mapped[str] = mapped_column(String(120))
    profile: Mapped[str] = mapped_column(String(64))
    classroom: Mapped[Classroom | None] = relationship(lazy="joined")


class LessonSnapshot(Base):
    """Signaling's own saved state of a lesson in progress, as it gave it."""

    __tablename__ = "lesson_states"

    lesson_id: Mapped[str] = mapped_column(
        ForeignKey("lessons.id", ondelete="CASCADE"), primary_key=True
    )
    state: Mapped[str] = mapped_column(Text)
    saved_at: Mapped[float]


class KeptPush(Base):
    """Where a live lesson's program is pushed to (`server.broadcasts.remembered`): begun again
    after a restart. `sealed` is its address, which holds what lets us in there."""

    __tablename__ = "pushes"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    lesson_id: Mapped[str] = mapped_column(ForeignKey("lessons.id", ondelete="CASCADE"), index=True)
    sealed: Mapped[str] = mapped_column(Text)
    created_at: Mapped[float]


class Recording(Row):
    """A recorded lesson. What lists show stands in columns of its own: the manifest
    (`recorder.manifest`) may be megabytes, and is loaded only where it is asked for.
    """

    __tablename__ = "recordings"
    __table_args__ = (Index("ix_recordings_started_at", "started_at"),)

    lesson_id: Mapped[str | None] = mapped_column(
        ForeignKey("lessons.id", ondelete="SET NULL"), index=True
    )
    community_id: Mapped[str | None] = mapped_column(
        ForeignKey("communities.id", ondelete="SET NULL"), index=True
    )
    teacher_id: Mapped[str | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    title: Mapped[str] = mapped_column(String(120))
    subject: Mapped[str] = mapped_column(String(60))
    grade: Mapped[str] = mapped_column(String(60))
    teacher_name: Mapped[str] = mapped_column(String(120))
    started_at: Mapped[float]
    duration_s: Mapped[float] = mapped_column(default=0.0)
    state: Mapped[RecordingPhase]
    visibility: Mapped[Visibility]
    poster: Mapped[str] = mapped_column(String(255), default="")
    # Why it failed, or, of one that can be played, why it does not hold the whole lesson.
    failure: Mapped[str] = mapped_column(Text, default="")
    manifest: Mapped[dict[str, Any]] = mapped_column(
        default=dict, deferred=True, deferred_raiseload=True
    )
    # What its files take, and those of its program (0: it has none).
    size_bytes: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    program_bytes: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    # Since when all but the program is put aside, and since when that cannot come back.
    put_aside_at: Mapped[float | None] = mapped_column(default=None)
    dropped_at: Mapped[float | None] = mapped_column(default=None)
    by_rule: Mapped[bool] = mapped_column(default=False, server_default="0")  # its deletion
    spared: Mapped[bool] = mapped_column(default=False, server_default="0")  # by who undid it
    schools: Mapped[list[RecordingSchool]] = relationship(
        order_by="RecordingSchool.place", cascade="all, delete-orphan", lazy="selectin"
    )


class ArchiveAct(Base):
    """Something that was done with a recording's files, by a rule or by somebody: it is told when
    the recording is long gone. `days` are the rule's."""

    __tablename__ = "archive_acts"
    __table_args__ = (Index("ix_archive_acts_at", "at"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    at: Mapped[float]
    act: Mapped[str] = mapped_column(String(16))
    rule: Mapped[str] = mapped_column(String(16))
    days: Mapped[int | None] = mapped_column(default=None)
    recording_id: Mapped[str] = mapped_column(String(32), index=True)
    title: Mapped[str] = mapped_column(String(120))
    community: Mapped[str] = mapped_column(String(120))
    bytes: Mapped[int] = mapped_column(BigInteger, default=0)


class RecordingSchool(Base):
    """A school that sat in a recorded lesson: it keeps it, whatever it joins or leaves later."""

    __tablename__ = "recording_schools"

    recording_id: Mapped[str] = mapped_column(
        ForeignKey("recordings.id", ondelete="CASCADE"), primary_key=True
    )
    place: Mapped[int] = mapped_column(primary_key=True)
    school_id: Mapped[str | None] = mapped_column(
        ForeignKey("schools.id", ondelete="SET NULL"), index=True
    )
    name: Mapped[str] = mapped_column(String(120), index=True)
