"""Teaching communities: `/api/communities`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from server.api.access import ServicesOf
from server.api.areas import area
from server.api.fields import Body, Id, Name, View
from server.database.models import Community, Retention
from server.recordings.retention import QuotaState
from server.schools.communities import (
    add_community,
    check_community_name,
    get_community,
    list_communities,
    set_retention,
    set_schools,
)
from server.services import DELETION, Services

router = area("communities", prefix="/api/communities")

# Ten years; a day, so that nobody's slip of the hand empties an archive in an hour.
RetentionDays = Annotated[int, Field(ge=1, le=3660)]
QuotaGb = Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)]
Partners = Annotated[list[Id], Field(max_length=64)]


class CommunityView(View):
    id: str
    name: str
    lead_school_id: str
    partner_school_ids: list[str]
    max_partners: int
    retention: Retention
    retention_days: int | None
    quota_gb: float | None
    quota: QuotaState
    """How much of it was used when that was last looked at, within the last hour."""


class RetentionBody(Body):
    """How long recordings are kept, told together; `quota_gb` null: they may take anything."""

    retention: Retention | None = None
    retention_days: RetentionDays | None = None
    quota_gb: QuotaGb | None = None


class CommunityBody(RetentionBody):
    name: Name
    lead_school_id: Id
    partner_school_ids: Partners


class CommunityChange(RetentionBody):
    name: Name | None = None
    lead_school_id: Id | None = None
    partner_school_ids: Partners | None = None


def _view(community: Community, services: Services) -> CommunityView:
    return CommunityView(
        id=community.id,
        name=community.name,
        lead_school_id=community.lead_school_id,
        partner_school_ids=[partner.school_id for partner in community.partners],
        max_partners=services.settings.max_partners,
        retention=community.retention,
        retention_days=community.retention_days,
        quota_gb=community.quota_gb,
        quota=services.retirement.quotas.get(community.id, QuotaState.FREE),
    )


def _keep(community: Community, body: RetentionBody) -> None:
    if body.retention is not None:
        set_retention(community, body.retention, body.retention_days)
    if "quota_gb" in body.model_fields_set:
        community.quota_gb = body.quota_gb


@router.get("")
async def communities(services: ServicesOf) -> list[CommunityView]:
    """All communities."""
    async with services.database.read() as session:
        return [_view(row, services) for row in await list_communities(session)]


@router.post("", status_code=201)
async def create_community(body: CommunityBody, services: ServicesOf) -> CommunityView:
    """A new community."""
    async with services.database.write() as session:
        community = await add_community(
            session,
            name=body.name,
            lead_school_id=body.lead_school_id,
            partner_school_ids=body.partner_school_ids,
            max_partners=services.settings.max_partners,
            now=services.clock(),
        )
        _keep(community, body)
        return _view(community, services)


@router.patch("/{community_id}")
async def update_community(
    community_id: Id, body: CommunityChange, services: ServicesOf
) -> CommunityView:
    """Change a community.

    A school that leaves it is out of its live lessons at once, and does not come into planned ones.
    """
    async with services.database.write() as session:
        community = await get_community(session, community_id)
        if body.name is not None:
            await check_community_name(session, body.name, but=community.id)
            community.name = body.name
        if body.lead_school_id is not None or body.partner_school_ids is not None:
            partners = body.partner_school_ids
            if partners is None:
                partners = [partner.school_id for partner in community.partners]
            lead = body.lead_school_id or community.lead_school_id
            most = services.settings.max_partners
            await set_schools(session, community, lead, partners, max_partners=most)
        _keep(community, body)
        await session.flush()
    await services.lessons.remove_unwelcome()
    if "quota_gb" in body.model_fields_set:
        await services.retirement.look_at_quotas()
    return _view(community, services)


@router.delete("/{community_id}", status_code=204)
async def delete_community(community_id: Id, services: ServicesOf) -> None:
    """Delete a community. Its schools stay."""
    async with services.database.write() as session:
        await DELETION.delete(session, await get_community(session, community_id), services.clock())
