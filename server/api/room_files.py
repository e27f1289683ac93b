"""One file for each room: it makes a PC that room, from the certificate to the kiosk's start."""

from __future__ import annotations

from enum import StrEnum

from fastapi import Request

from server.api.access import ServicesOf, address_for
from server.api.areas import area
from server.api.fields import Body, Id, Name, View
from server.api.places import CredentialView, credential_view
from server.door.install_files import linux_script, safe_origins, windows_script
from server.schools.places import add_credential, get_classroom, room_address

router = area("places", prefix="/api")


class System(StrEnum):
    """What the PC runs."""

    WINDOWS = "windows"
    LINUX = "linux"


_WRITE = {System.WINDOWS: windows_script, System.LINUX: linux_script}


class RoomFileBody(Body):
    label: Name
    system: System


class RoomFileView(View):
    """`text` has the credential's secret in it, which is told this once."""

    credential: CredentialView
    text: str


@router.post("/classrooms/{classroom_id}/room_files", status_code=201)
async def create_room_file(
    classroom_id: Id, body: RoomFileBody, request: Request, services: ServicesOf
) -> RoomFileView:
    """A file for one PC of a classroom, with a credential of its own in it."""
    base = address_for(request, services).url
    authority = services.certificate.files.authority if services.certificate else None
    origins = safe_origins([base, *services.addresses.for_others()])
    async with services.database.write() as session:
        classroom = await get_classroom(session, classroom_id)
        row, secret = await add_credential(
            session, classroom, label=body.label, now=services.clock()
        )
        (origin,) = safe_origins([base])
        text = _WRITE[body.system](authority, origins, room=room_address(origin, secret))
    return RoomFileView(credential=credential_view(row), text=text)
