"""The source keys of a classroom's encoders: made, listed with how each is, revoked."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Request
from pydantic import Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from hardware_profiles.room_agent.sources.rtsp.address import StreamAddress
from hardware_profiles.room_agent.sources.rtsp.errors import RtspError
from server.api.access import ServicesOf, address_for
from server.api.areas import area
from server.api.fields import Body, Id, Name, View
from server.api.places import CredentialView, HandedOver, credential_view, handed_over
from server.database.models import Classroom, Credential, EncoderWay
from server.encoders import ffmpeg
from server.encoders.errors import no_ffmpeg
from server.encoders.rtmp_door import APPLICATION
from server.encoders.sealed import CameraLogin
from server.encoders.service import MOST_SRT_KEYS
from server.errors import Refusal, field_refused
from server.schools.places import (
    add_credential,
    free_port,
    get_classroom,
    list_source_keys,
    revoke_source_key,
    whip_address,
)
from server.services import Services
from signaling.protocol.messages import Source

router = area("source_keys", prefix="/api")

_Text = Annotated[str, StringConstraints(max_length=200)]


class EncoderWords(View):
    """Something about an encoder that its school's IT is to know, and what to do."""

    message_zh: str
    message_en: str


class SourceKeyView(CredentialView):
    """`sends`: something comes from it now; `in_lesson`: it is in its room's lesson; `fault`: why
    its picture does not come; `notice`: it is encoded again here, and what that costs.

    Of encoders by WHIP both are false: whether they are there is seen in the lesson.
    """

    source: Source
    way: EncoderWay
    sends: bool
    in_lesson: bool
    fault: EncoderWords | None
    notice: EncoderWords | None


class SourceKeyBody(Body):
    """`camera_…` are of `rtsp` alone: the camera that the server is to ask. `camera_sub_url` is its
    small stream, which rooms with a thin line get; it may be left out.
    """

    label: Name
    source: Source
    way: EncoderWay = EncoderWay.WHIP
    camera_url: Annotated[str, StringConstraints(max_length=1000)] = ""
    camera_user: _Text = ""
    camera_password: Annotated[_Text, Field(repr=False)] = ""
    camera_udp: bool = False
    camera_sub_url: Annotated[str, StringConstraints(max_length=1000)] = ""


class NewSourceKeyView(SourceKeyView, HandedOver):
    """`secure_address`: the same by RTMPS, where the server has that beside RTMP; else empty."""

    secure_address: str


@router.get("/classrooms/{classroom_id}/source_keys")
async def source_keys(classroom_id: Id, services: ServicesOf) -> list[SourceKeyView]:
    """The encoders of a classroom, by their source keys."""
    async with services.database.read() as session:
        await get_classroom(session, classroom_id)
        found = await list_source_keys(session, classroom_id)
    return [_view(services, row) for row in found]


@router.post("/classrooms/{classroom_id}/source_keys", status_code=201)
async def create_source_key(
    classroom_id: Id,
    body: SourceKeyBody,
    request: Request,
    services: ServicesOf,
) -> NewSourceKeyView:
    """A new source key of a classroom: what an encoder there sends this source with.

    The secret is told this once: a bearer token (`whip`), a stream key (`rtmp`), a passphrase
    (`srt`); of a camera (`rtsp`) that the server asks itself there is none. `address` is the
    encoder's to send to, as a credential's is.
    """
    _refuse_what_is_closed(services, body)
    async with services.database.write() as session:
        classroom = await get_classroom(session, classroom_id)
        row, secret = await _add(session, services, classroom, body)
    base = address_for(request, services)
    host = urlsplit(base.url).hostname or ""
    plain, secure = _rtmp_addresses(services, host)
    address, told = {
        EncoderWay.WHIP: (whip_address(base.url, body.source), secret),
        EncoderWay.RTMP: (plain or secure, secret),
        EncoderWay.SRT: (
            f"srt://{_in_url(host)}:{row.port}",
            services.encoders.seal.passphrase(row.id),
        ),
        EncoderWay.RTSP: ("", ""),
    }[body.way]
    once = handed_over(services, base, told, address)
    beside = secure if body.way is EncoderWay.RTMP and plain else ""
    return NewSourceKeyView(**dict(_view(services, row)), **dict(once), secure_address=beside)


@router.delete("/source_keys/{key_id}", status_code=204)
async def delete_source_key(key_id: Id, services: ServicesOf) -> None:
    """Revoke an encoder's source key. This cannot be undone: make a new one."""
    async with services.database.write() as session:
        await revoke_source_key(session, key_id, services.clock())
    await services.lessons.remove_unwelcome()


async def _add(
    session: AsyncSession, services: Services, classroom: Classroom, body: SourceKeyBody
) -> tuple[Credential, str]:
    port = None
    if body.way is EncoderWay.SRT:
        port = await free_port(session, services.settings.srt_port, MOST_SRT_KEYS)
        if port is None:
            raise field_refused(
                "way",
                f"SRT 密钥已达 {MOST_SRT_KEYS} 个；请先撤销不用的。",
                f"There are {MOST_SRT_KEYS} SRT keys already; revoke one that is not used.",
                code="too-many-keys",
                status=409,
            )
    row, secret = await add_credential(
        session,
        classroom,
        label=body.label,
        now=services.clock(),
        source=body.source,
        way=body.way,
        port=port,
    )
    if body.way is EncoderWay.RTSP:
        login = CameraLogin(
            body.camera_url,
            body.camera_user,
            body.camera_password,
            udp=body.camera_udp,
            sub_url=body.camera_sub_url,
        )
        row.sealed = services.encoders.seal.sealed(row.id, login)
        await session.flush()
    return row, secret


def _refuse_what_is_closed(services: Services, body: SourceKeyBody) -> None:
    """Refuses a way that this server does not take, and a camera's address that is none."""
    settings = services.settings
    match body.way:
        case EncoderWay.RTMP if not (settings.rtmp_port or settings.rtmps_port):
            raise _closed("RTMP", "rtmp_port", 1935)
        case EncoderWay.SRT if not settings.srt_port:
            raise _closed("SRT", "srt_port", 7900)
        case EncoderWay.RTMP | EncoderWay.SRT if not ffmpeg.is_installed():
            fault = no_ffmpeg()
            raise field_refused("way", fault.message_zh, fault.message_en, code="no-ffmpeg")
        case EncoderWay.RTSP:
            _refuse_address("camera_url", body.camera_url)
            if body.camera_sub_url:
                _refuse_address("camera_sub_url", body.camera_sub_url)
            if body.source is Source.ROOM:
                raise field_refused(
                    "source",
                    "服务器只取摄像机的画面；请选择一路画面。",
                    "Of a camera the server takes the picture alone; choose a picture.",
                )


def _refuse_address(field: str, url: str) -> None:
    try:
        StreamAddress.parse(url)
    except RtspError:
        raise field_refused(
            field,
            "不是摄像机地址；请写成 rtsp://192.168.1.64:554/main",
            "This is no camera's address; write it as rtsp://192.168.1.64:554/main",
        ) from None
    if "@" in urlsplit(url).netloc:
        raise field_refused(
            field,
            "地址中不要写用户名和密码；请填入下面的两栏。",
            "Leave user and password out of the address; they have fields of their own.",
        )


def _closed(name: str, setting: str, usual: int) -> Refusal:
    return field_refused(
        "way",
        f"本服务器没有开放 {name}；请在设置中写明 {setting}（例如 {usual}）并重启。",
        f"This server takes no {name}; give it the setting {setting} (for example {usual}) "
        "and start it again.",
        code="way-closed",
    )


def _rtmp_addresses(services: Services, host: str) -> tuple[str, str]:
    """In the clear and by TLS; empty where that is closed."""
    settings = services.settings
    ports = (("rtmp", settings.rtmp_port), ("rtmps", settings.rtmps_port))
    plain, secure = (
        f"{scheme}://{_in_url(host)}:{port}/{APPLICATION}" if port else "" for scheme, port in ports
    )
    return plain, secure


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _view(services: Services, key: Credential) -> SourceKeyView:
    standing = services.encoders.standing(key.id)
    fault = standing.fault
    return SourceKeyView(
        **dict(credential_view(key)),
        source=Source(str(key.source)),
        way=key.way,
        sends=standing.sends,
        in_lesson=standing.in_lesson,
        fault=None
        if fault is None
        else EncoderWords(message_zh=fault.message_zh, message_en=fault.message_en),
        notice=None
        if standing.notice is None
        else EncoderWords(message_zh=standing.notice.zh, message_en=standing.notice.en),
    )
