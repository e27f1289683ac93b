"""What a room device asks every few seconds: `/api/room`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from server.api.access import Room, ServicesOf
from server.api.areas import area
from server.api.fields import Body, View
from server.api.lesson_views import LessonView, lesson_view
from server.lessons.readiness import DeviceReadiness, LineReadiness, RoomReadiness
from server.node.hardware import load_send_profile
from signaling.protocol.messages import IceServer, Mode, RemovalCode, Role, SendProfile
from signaling.protocol.refusals import REFUSALS

router = area("room")


class RoomPlaceView(View):
    id: str
    name: str
    school: str
    profile: str


class RemovedView(View):
    code: RemovalCode
    message_zh: str
    message_en: str


class RoomView(View):
    classroom: RoomPlaceView
    lesson: LessonView | None
    token: str | None
    removed: RemovedView | None
    next: LessonView | None
    poll_after_s: float
    server_time: float


class RoomProfileView(View):
    """What this room's devices send, and whether its page looks at them while it waits."""

    checks_devices: bool
    sends: SendProfile


class ProbedPlace(View):
    host: str
    port: int


class LineProbeView(View):
    """ICE credentials that the media core answers and that lead nowhere; where it listens."""

    ufrag: str
    password: str
    udp: list[ProbedPlace]
    tcp: list[ProbedPlace]
    ice_servers: list[IceServer]


class ReadinessBody(Body):
    camera: DeviceReadiness
    sound: DeviceReadiness
    line: LineReadiness
    rtt_ms: Annotated[float, Field(ge=0, le=60_000, allow_inf_nan=False)] | None = None


def _removed_view(code: RemovalCode) -> RemovedView:
    """Why a device was put out, in words."""
    text = REFUSALS[code]
    return RemovedView(code=code, message_zh=text.zh, message_en=text.en)


@router.get("/api/room")
async def room(device: Room, services: ServicesOf) -> RoomView:
    """The lesson to join now with a token for it, the next one, and when to ask again.

    A device that was put out of the lesson is told why (`removed`) and gets no token.
    """
    answer = await services.rooms.answer(device)
    return RoomView(
        classroom=RoomPlaceView(
            id=device.classroom.id,
            name=device.classroom.name,
            school=device.school.name,
            profile=device.classroom.profile,
        ),
        lesson=lesson_view(answer.lesson) if answer.lesson else None,
        token=answer.token,
        removed=_removed_view(answer.removed) if answer.removed else None,
        next=lesson_view(answer.next) if answer.next else None,
        poll_after_s=services.settings.room_poll_s,
        server_time=services.clock(),
    )


@router.get("/api/room/profile")
async def room_profile(device: Room, services: ServicesOf) -> RoomProfileView:
    """Asked while the room waits: its devices are those of a lesson in which all rooms talk."""
    folders = services.settings.profile_folders
    sends = load_send_profile(device.classroom.profile, Mode.BLENDED, Role.ROOM, folders)
    own = [source for source in sends.sources if not source.from_network]
    return RoomProfileView(
        checks_devices=services.settings.room_checks_devices,
        sends=sends.model_copy(update={"sources": own}),
    )


@router.get("/api/room/line")
async def line_probe(device: Room, services: ServicesOf) -> LineProbeView:
    """By which a waiting room tries whether a lesson's media would come through, and how."""
    probe = services.media.line_probe()
    turn = services.turn
    relays = [] if turn is None else [turn.for_device(device.credential_id, services.clock())]
    return LineProbeView(
        ufrag=probe.ufrag,
        password=probe.password,
        udp=[ProbedPlace(host=host, port=port) for host, port in probe.udp],
        tcp=[ProbedPlace(host=host, port=port) for host, port in probe.tcp],
        ice_servers=relays,
    )


@router.post("/api/room/readiness", status_code=204)
async def tell_readiness(body: ReadinessBody, device: Room, services: ServicesOf) -> None:
    """How the waiting room's camera, microphone and line are; said again every ten seconds."""
    services.readiness.tell(
        device.classroom.id, device.credential_id, RoomReadiness(**dict(body)), services.steady()
    )
