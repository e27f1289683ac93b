"""Teaching communities: one lead school and its partner schools, 1 + M."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.database.deletion import Deletable
from server.database.in_use import refuse_in_live_lesson
from server.database.models import Community, CommunityPartner, Lesson, Retention, School
from server.errors import Refusal, Text, field_refused, not_found
from server.ids import new_id
from server.names import is_taken


async def get_community(session: AsyncSession, community_id: str) -> Community:
    """The living community; refuses with 404."""
    community = await session.get(Community, community_id)
    if community is None or community.deleted_at is not None:
        raise not_found("教学共同体", "community")
    return community


async def list_communities(session: AsyncSession) -> list[Community]:
    """All living communities."""
    found = await session.scalars(
        select(Community)
        .where(Community.deleted_at.is_(None))
        .order_by(Community.created_at, Community.id)
    )
    return list(found)


async def communities_of_school(session: AsyncSession, school_id: str | None) -> list[str]:
    """The ids of the living communities a school takes part in."""
    if school_id is None:
        return []
    partner_in = select(CommunityPartner.community_id).where(
        CommunityPartner.school_id == school_id
    )
    found = await session.scalars(
        select(Community.id).where(
            Community.deleted_at.is_(None),
            or_(Community.lead_school_id == school_id, Community.id.in_(partner_in)),
        )
    )
    return list(found)


def schools_of(community: Community) -> list[str]:
    """All its schools, the lead first."""
    return [community.lead_school_id, *(partner.school_id for partner in community.partners)]


async def add_community(
    session: AsyncSession,
    *,
    name: str,
    lead_school_id: str,
    partner_school_ids: Sequence[str],
    max_partners: int,
    now: float,
) -> Community:
    """A new community; refuses what `set_schools` and `check_name` refuse."""
    await check_community_name(session, name)
    community = Community(
        id=new_id(), created_at=now, name=name, lead_school_id=lead_school_id, partners=[]
    )
    await set_schools(
        session, community, lead_school_id, partner_school_ids, max_partners=max_partners
    )
    session.add(community)
    await session.flush()
    return community


async def check_community_name(session: AsyncSession, name: str, *, but: str = "") -> None:
    """Refuses (409) a name that looks like another living community's."""
    others = select(Community.name).where(Community.deleted_at.is_(None), Community.id != but)
    if is_taken(name, await session.scalars(others)):
        raise field_refused(
            "name",
            "已有同名的教学共同体。",
            "There is a community of this name already.",
            code="name-taken",
            status=409,
        )


async def set_schools(
    session: AsyncSession,
    community: Community,
    lead_school_id: str,
    partner_school_ids: Sequence[str],
    *,
    max_partners: int,
) -> None:
    """Who takes part.

    Refuses (422) unknown schools, no partner or more than `max_partners`, one school twice.
    """
    partners = "partner_school_ids"
    if not partner_school_ids:
        raise field_refused(partners, "请至少选择一所伙伴学校。", "Choose at least one partner.")
    if len(partner_school_ids) > max_partners:
        raise field_refused(
            partners,
            f"伙伴学校最多 {max_partners} 所。",
            f"There may be at most {max_partners} partner schools.",
            code="too-many-partners",
        )
    if lead_school_id in partner_school_ids:
        raise field_refused(
            partners,
            "主校不能同时是伙伴学校。",
            "The lead school cannot be its own partner.",
        )
    if len(set(partner_school_ids)) < len(partner_school_ids):
        raise field_refused(partners, "同一所学校出现了两次。", "One school is named twice.")
    wanted = {lead_school_id, *partner_school_ids}
    known = set(
        await session.scalars(
            select(School.id).where(School.id.in_(wanted), School.deleted_at.is_(None))
        )
    )
    if lead_school_id not in known:
        raise field_refused("lead_school_id", "没有这所学校。", "There is no such school.")
    if wanted - known:
        raise field_refused(partners, "其中有学校不存在。", "One of the schools does not exist.")
    community.lead_school_id = lead_school_id
    old = {partner.school_id: partner for partner in community.partners}
    community.partners = [
        old.get(school_id) or CommunityPartner(school_id=school_id, place=0)
        for school_id in partner_school_ids
    ]
    for place, partner in enumerate(community.partners):
        partner.place = place


def set_retention(community: Community, retention: Retention, days: int | None) -> None:
    """How long its recordings are kept; refuses (422) a rule without its days."""
    if retention is not Retention.KEEP and days is None:
        raise field_refused(
            "retention_days",
            "请填写录像保留的天数。",
            "Say after how many days.",
        )
    community.retention = retention
    community.retention_days = None if retention is Retention.KEEP else days


# --- deleted and restored -----------------------------------------------------------------------


async def _delete(session: AsyncSession, community: Community, now: float) -> None:
    await refuse_in_live_lesson(session, Lesson.community_id == community.id)


async def _restore(session: AsyncSession, community: Community, deleted_at: float) -> None:
    await check_community_name(session, community.name, but=community.id)
    await _refuse_missing_schools(session, community)


async def _refuse_missing_schools(session: AsyncSession, community: Community) -> None:
    wanted = {community.lead_school_id, *(partner.school_id for partner in community.partners)}
    living = set(
        await session.scalars(
            select(School.id).where(School.id.in_(wanted), School.deleted_at.is_(None))
        )
    )
    if wanted - living:
        raise Refusal(
            409,
            "school-deleted",
            Text(
                "共同体中的学校已被删除。请先恢复学校。",
                "A school of this community has been deleted. Restore it first.",
            ),
        )


COMMUNITIES = Deletable("communities", Community, lambda row: row.name, _delete, _restore)
