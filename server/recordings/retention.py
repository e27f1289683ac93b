"""How long recordings are kept: what each community's rule will do when, and what it may not touch.

A rule reaches what is finished and can be read. What cannot is kept, and told with the reason; so
is what somebody has brought back. Nothing here changes anything: `retiring` carries it out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import lazyload

from server.database.deletion import DAY_S
from server.database.models import Community, Recording, RecordingPhase, Retention

# From so much of its quota on a community is warned of.
QUOTA_NEAR = 0.8
GB = 1e9


class Deed(StrEnum):
    """What will be done. The first two can be undone until the others."""

    PUT_ASIDE = "put-aside"  # all but the program
    DELETE = "delete"
    DROP = "drop"  # what was put aside goes for good
    PURGE = "purge"  # what was deleted, by a rule or by somebody, goes for good


class Obstacle(StrEnum):
    """Why a recording is kept whose time is over."""

    UNFINISHED = "unfinished"  # nothing plays it: what it holds nobody has read
    NO_PROGRAM = "no-program"  # nothing would be left of it
    TRACKS = "tracks"  # what was recorded is not all in what can be played
    DAMAGED = "damaged"  # its files are not there, or are others
    UNREADABLE = "unreadable"
    SPARED = "spared"  # somebody has brought it back


class QuotaState(StrEnum):
    """How much of its quota a community has used."""

    FREE = "free"
    NEAR = "near"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Planned:
    """What is due `at` a moment, or would be but for the `obstacle`; `bytes` are what goes.

    `rule` and its `days` are None where somebody deleted it by hand.
    """

    recording_id: str
    title: str
    community: str
    deed: Deed
    at: float
    bytes: int
    rule: Retention | None
    days: int | None
    obstacle: Obstacle | None = None


@dataclass(frozen=True, slots=True)
class CommunityUsage:
    """What a community's recordings take, those included that can still be brought back."""

    community_id: str
    name: str
    retention: Retention
    retention_days: int | None
    used_bytes: int
    quota_bytes: int | None
    recordings: int

    @property
    def quota_state(self) -> QuotaState:
        """Whether that is to be warned of."""
        if self.quota_bytes is None or self.used_bytes < QUOTA_NEAR * self.quota_bytes:
            return QuotaState.FREE
        return QuotaState.OVER if self.used_bytes >= self.quota_bytes else QuotaState.NEAR


def judge(recording: Recording, community: Community | None, *, kept_s: float) -> Planned | None:
    """What will become of this recording next; None while nothing will.

    `kept_s` is for how long what is deleted or put aside can come back.
    """
    name = community.name if community is not None else ""
    days = community.retention_days if community is not None else None
    whole, program = recording.size_bytes, recording.program_bytes

    def planned(
        deed: Deed,
        at: float,
        size: int,
        rule: Retention | None,
        obstacle: Obstacle | None = None,
    ) -> Planned:
        told_days = days if rule is not None else None
        return Planned(
            recording.id, recording.title, name, deed, at, size, rule, told_days, obstacle
        )

    if recording.deleted_at is not None:
        by = Retention.DELETE if recording.by_rule else None
        return planned(Deed.PURGE, recording.deleted_at + kept_s, whole, by)
    if recording.put_aside_at is not None:
        at = recording.put_aside_at + kept_s
        return planned(Deed.DROP, at, whole - program, Retention.PROGRAM)
    if not _is_reached(recording, community) or community is None or days is None:
        return None
    due = recording.started_at + recording.duration_s + days * DAY_S
    if community.retention is Retention.DELETE:
        return planned(Deed.DELETE, due, whole, Retention.DELETE, _obstacle(recording))
    obstacle = _obstacle(recording) or (None if program else Obstacle.NO_PROGRAM)
    return planned(Deed.PUT_ASIDE, due, whole - program, Retention.PROGRAM, obstacle)


def _is_reached(recording: Recording, community: Community | None) -> bool:
    """Whether a rule is about this recording at all."""
    if community is None or community.deleted_at is not None:
        return False
    if recording.state is RecordingPhase.RECORDING:
        return False
    match community.retention:
        case Retention.KEEP:
            return False
        case Retention.PROGRAM:
            return recording.dropped_at is None  # else only its program is left
        case Retention.DELETE:
            return True


def _obstacle(recording: Recording) -> Obstacle | None:
    """What the row tells; what the files tell is looked at when its time has come."""
    if recording.spared:
        return Obstacle.SPARED
    return None if recording.state is RecordingPhase.READY else Obstacle.UNFINISHED


async def plan(session: AsyncSession, *, kept_s: float) -> list[Planned]:
    """All that will be done and all that is kept in spite of its rule, the next first."""
    query = (
        select(Recording, Community)
        .outerjoin(Community, Recording.community_id == Community.id)
        .options(lazyload(Recording.schools), lazyload(Community.partners))
    )
    found = [judge(row[0], row[1], kept_s=kept_s) for row in await session.execute(query)]
    return sorted(
        (one for one in found if one is not None), key=lambda one: (one.at, one.recording_id)
    )


async def usage_by_community(session: AsyncSession) -> list[CommunityUsage]:
    """What each living community's recordings take, the fullest first."""
    taken = (
        select(
            Recording.community_id.label("community_id"),
            func.sum(Recording.size_bytes).label("used"),
            func.count().label("recordings"),
        )
        .group_by(Recording.community_id)
        .subquery()
    )
    query = (
        select(Community, taken.c.used, taken.c.recordings)
        .outerjoin(taken, taken.c.community_id == Community.id)
        .where(Community.deleted_at.is_(None))
        .options(lazyload(Community.partners))
    )
    found = [
        CommunityUsage(
            community_id=one.id,
            name=one.name,
            retention=one.retention,
            retention_days=one.retention_days,
            used_bytes=int(used or 0),
            quota_bytes=None if one.quota_gb is None else round(one.quota_gb * GB),
            recordings=count or 0,
        )
        for one, used, count in await session.execute(query)
    ]
    return sorted(found, key=lambda one: (-one.used_bytes, one.name))
