"""A room's check, put together from what was said on the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

from hardware_profiles import LinkProfile, ProfileError, RoomProfile
from hardware_profiles.doctor.findings import Both, CheckReport
from hardware_profiles.doctor.line_probe import RoomServer, ServerUnreachable
from hardware_profiles.doctor.opening import open_cameras
from hardware_profiles.doctor.room import RoomCheck
from hardware_profiles.doctor.sound import SoundDevices
from hardware_profiles.loader import load_link_profile, load_room_profile
from hardware_profiles.room_agent.agent import RoomAgent
from hardware_profiles.room_agent.checking import RoomChecking
from hardware_profiles.room_agent.passwords import read_passwords
from hardware_profiles.room_agent.sounding.cards import device_name
from server.errors import StartRefused
from server.service.room_check import address_of
from server.service.room_given import credential_in, profile_folders
from signaling.client.address import ServerAddress
from signaling.client.device import Phase


@dataclass(frozen=True, slots=True)
class RoomOptions:
    """As they were typed."""

    server: str = ""
    credential_file: Path | None = None
    profile: str = "standard"
    profiles_folder: Path | None = None
    passwords: Path | None = None
    insecure: bool = False
    microphone: str | None = None  # None: the profile's; empty: none is tried
    speaker: str | None = None
    speaks: bool = True


def room_check(options: RoomOptions, say: Callable[[Both], None]) -> RoomCheck:
    """Raises `StartRefused` for what cannot be meant."""
    folders = profile_folders(options.profiles_folder)
    try:
        profile = load_room_profile(options.profile, folders)
        passwords = read_passwords(options.passwords) if options.passwords else {}
        link = _link(profile, folders)
        refuse_unknown_passwords(profile, passwords)
    except ProfileError as error:
        raise StartRefused(error.message_en, error.message_zh) from None
    server = server_of(options)
    return RoomCheck(
        profile,
        passwords,
        server[0] if server is not None else None,
        server[1] if server is not None else "",
        link=link,
        sound=_sound_devices(options, profile),
        speaks=options.speaks,
        say=say,
    )


def _sound_devices(options: RoomOptions, profile: RoomProfile) -> SoundDevices:
    """Those that were typed, else the profile's, else ALSA's usual ones."""
    sound = profile.sound
    microphone = sound.microphone.device if sound.microphone is not None else None
    speaker = sound.loudspeaker.device if sound.loudspeaker is not None else None
    names = [
        typed if typed is not None else named or "default"
        for typed, named in ((options.microphone, microphone), (options.speaker, speaker))
    ]
    # A name that fits several cards is left as it is: the device is then told as missing.
    return SoundDevices(*(device_name(name) or name for name in names))


def server_of(options: RoomOptions) -> tuple[ServerAddress, str] | None:
    """The address and the credential; None where none was named. Raises `StartRefused`."""
    if not options.server:
        return None
    address = address_of(options.server, insecure=options.insecure)
    if options.credential_file is None:
        raise StartRefused(
            "The room's device credential is missing: name its file with --credential-file.",
            "缺少教室的设备凭证：请用 --credential-file 指明它的文件。",
        )
    return address, credential_in(options.credential_file)


def checking_of(agent: RoomAgent, options: RoomOptions) -> RoomChecking:
    """The test behind the button of the agent's own page; its cameras are free outside lessons."""
    asked = server_of(options)

    async def keep(report: CheckReport) -> bool:
        return asked is not None and await keep_on_server(*asked, report)

    def make() -> RoomCheck:
        try:
            return room_check(options, lambda _said: None)
        except StartRefused as refused:
            raise ProfileError(refused.text.en, refused.text.zh) from None

    return RoomChecking(
        make,
        keep=keep,
        in_lesson=lambda: agent.device.phase is Phase.IN_LESSON,
    )


async def keep_on_server(address: ServerAddress, credential: str, report: CheckReport) -> bool:
    """Whether the server has it."""
    body = report.model_dump_json().encode()
    try:
        await RoomServer(address, credential).post("/api/room/checks", body, "application/json")
    except ServerUnreachable:
        return False
    return True


def refuse_unknown_passwords(profile: RoomProfile, passwords: Mapping[str, str]) -> None:
    """Raises `ProfileError` for a camera whose password this machine has not."""
    open_cameras(profile, passwords, Random(0))  # noqa: S311 - nothing is opened


def _link(profile: RoomProfile, folders: list[Path]) -> LinkProfile | None:
    return load_link_profile(profile.link, folders) if profile.link else None
