"""What a room device asks every few seconds: `/api/room`."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from pydantic import Field

from server.api.access import Room, ServicesOf, client_address, room_device
from server.api.areas import area
from server.api.fields import Body, View
from server.api.lesson_views import LessonView, lesson_view
from server.errors import Text
from server.lessons.copies import LONGEST_RUN
from server.lessons.readiness import DeviceReadiness, LineReadiness, RoomReadiness
from server.lessons.rooms import RoomDevice
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


class PlannedLessonView(View):
    id: str
    title: str
    starts_at: float


class CopiedView(View):
    message_zh: str
    message_en: str


class TimetableView(View):
    """`copied`: this device's credential is in use on a second machine too."""

    server_time: float
    lessons: list[PlannedLessonView]
    copied: CopiedView | None


class ReadinessBody(Body):
    camera: DeviceReadiness
    sound: DeviceReadiness
    line: LineReadiness
    rtt_ms: Annotated[float, Field(ge=0, le=60_000, allow_inf_nan=False)] | None = None


_COPIED = Text(
    "这台机器的设备凭证正在另一台机器上使用（网络：{0}）。看到的画面可能来自其中任何一台。"
    "请管理员为其中一台新建设备凭证，并撤销这一个。",
    "This machine's device credential is in use on another machine as well (networks: {0}). Either "
    "of them may be the one whose pictures are seen. Have the administrator make a new credential "
    "for one of them, and revoke this one.",
)


async def agent_device(
    request: Request, services: ServicesOf, device: Annotated[RoomDevice, Depends(room_device)]
) -> RoomDevice:
    """The room device that asks; a room agent says which start of it this is (`Tongke-Run`)."""
    run = request.headers.get("tongke-run", "")
    if 0 < len(run) <= LONGEST_RUN:
        services.rooms.hear_run(device, run, client_address(request))
    return device


Agent = Annotated[RoomDevice, Depends(agent_device)]


def _removed_view(code: RemovalCode) -> RemovedView:
    """Why a device was put out, in words."""
    text = REFUSALS[code]
    return RemovedView(code=code, message_zh=text.zh, message_en=text.en)


@router.get("/api/room")
async def room(device: Agent, services: ServicesOf) -> RoomView:
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


@router.get("/api/room/timetable")
async def room_timetable(device: Agent, services: ServicesOf) -> TimetableView:
    """The lessons of the coming days: a room agent keeps them for when the server is away."""
    lessons = await services.rooms.timetable(device)
    copied = services.rooms.copied(device.credential_id)
    where = ", ".join(copied.addresses) if copied else ""
    return TimetableView(
        server_time=services.clock(),
        lessons=[
            PlannedLessonView(id=one.id, title=one.title, starts_at=one.starts_at)
            for one in lessons
        ],
        copied=CopiedView(message_zh=_COPIED.zh.format(where), message_en=_COPIED.en.format(where))
        if copied
        else None,
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
