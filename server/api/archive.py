"""How long recordings are kept: what will be done when, what was done, and undoing it."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query

from server.api.access import ServicesOf
from server.api.areas import area
from server.api.fields import Id, View
from server.database.deletion import DAY_S
from server.database.models import Retention
from server.recordings.retention import (
    CommunityUsage,
    Deed,
    Obstacle,
    Planned,
    QuotaState,
    plan,
    usage_by_community,
)
from server.recordings.retiring import acts

router = area("archive", prefix="/api/admin")

# What a page shows; the rest is counted, and `tongke archive plan` has all.
MOST_SHOWN = 200
PLAN_DAYS = 30


class PlannedView(View):
    """What will be done `at` a moment; `bytes` are what goes. `rule` is null where somebody deleted
    it. With an `obstacle` it is kept, whatever its rule says. `undoable`: it can come back now."""

    recording_id: str
    title: str
    community: str
    deed: Deed
    at: float
    bytes: int
    rule: Retention | None
    days: int | None
    obstacle: Obstacle | None
    undoable: bool


class CommunityUsageView(View):
    community_id: str
    name: str
    retention: Retention
    retention_days: int | None
    recordings: int
    used_bytes: int
    quota_bytes: int | None
    quota: QuotaState


class ArchiveActView(View):
    """What was done, and by which rule; `by-hand` where somebody did it."""

    at: float
    act: Literal["put-aside", "delete", "drop", "purge", "kept", "brought-back"]
    rule: Literal["keep", "program", "delete", "by-hand"]
    days: int | None
    recording_id: str
    title: str
    community: str
    bytes: int


class RetentionView(View):
    """`planned` are those of the next days, the next first; `kept` those whose time is over and
    that are kept all the same. Of `planned_count` and `kept_count` at most 200 each are told."""

    server_time: float
    undo_days: float
    communities: list[CommunityUsageView]
    planned: list[PlannedView]
    planned_count: int
    planned_bytes: int
    kept: list[PlannedView]
    kept_count: int
    acts: list[ArchiveActView]


@router.get("/archive")
async def archive(
    services: ServicesOf, days: Annotated[int, Query(ge=1, le=3660)] = PLAN_DAYS
) -> RetentionView:
    """What the communities' rules will do in the next days, what they take, what was done."""
    now = services.clock()
    kept_s = services.settings.deleted_kept_days * DAY_S
    async with services.database.read() as session:
        all_planned = await plan(session, kept_s=kept_s)
        usage = await usage_by_community(session)
        done = await acts(session, most=MOST_SHOWN)
    refused = services.retirement.refused
    told = [refused.get(one.recording_id, one) for one in all_planned]
    planned = [one for one in told if one.obstacle is None and one.at <= now + days * DAY_S]
    kept = [one for one in told if one.obstacle is not None and one.at <= now]
    return RetentionView(
        server_time=now,
        undo_days=services.settings.deleted_kept_days,
        communities=[_usage(one) for one in usage],
        planned=[_planned(one) for one in planned[:MOST_SHOWN]],
        planned_count=len(planned),
        planned_bytes=sum(one.bytes for one in planned if one.deed in {Deed.DROP, Deed.PURGE}),
        kept=[_planned(one) for one in kept[:MOST_SHOWN]],
        kept_count=len(kept),
        acts=[ArchiveActView.model_validate(one, from_attributes=True) for one in done],
    )


@router.post("/archive/{recording_id}/restore", status_code=204)
async def bring_back(recording_id: Id, services: ServicesOf) -> None:
    """Undo what a rule or somebody did to a recording; its rule passes over it from now on."""
    await services.retirement.bring_back(recording_id, services.clock())


def _planned(one: Planned) -> PlannedView:
    return PlannedView(
        recording_id=one.recording_id,
        title=one.title,
        community=one.community,
        deed=one.deed,
        at=one.at,
        bytes=one.bytes,
        rule=one.rule,
        days=one.days,
        obstacle=one.obstacle,
        undoable=one.deed in {Deed.DROP, Deed.PURGE},
    )


def _usage(one: CommunityUsage) -> CommunityUsageView:
    return CommunityUsageView(
        community_id=one.community_id,
        name=one.name,
        retention=one.retention,
        retention_days=one.retention_days,
        recordings=one.recordings,
        used_bytes=one.used_bytes,
        quota_bytes=one.quota_bytes,
        quota=one.quota_state,
    )
