"""What of the settings lessons are held by (`signaling.ports`), its relays with them."""

from __future__ import annotations

from server.config import Settings
from server.errors import StartRefused
from server.system_errors import why
from signaling.ports import SignalingSettings
from signaling.turn import TurnServers


def signaling_settings(settings: Settings, *, programs: bool) -> SignalingSettings:
    """With `programs`, where this server makes lessons' programs. Raises as `turn_servers`."""
    return SignalingSettings(
        max_message_bytes=settings.max_message_bytes,
        away_grace_s=settings.away_grace_s,
        silent_socket_s=settings.silent_socket_s,
        join_timeout_s=settings.join_timeout_s,
        devices_per_seat=settings.devices_per_seat,
        guests_per_lesson=settings.guests_per_lesson,
        lead_absent_s=settings.lead_absent_s,
        empty_lesson_s=settings.empty_lesson_s,
        longest_lesson_s=settings.longest_lesson_s,
        lesson_warned_s=settings.lesson_warned_s,
        turn=turn_servers(settings),
        programs=programs,
    )


def turn_servers(settings: Settings) -> TurnServers | None:
    """The relays of the settings; raises `StartRefused` when their secret cannot be had."""
    path = settings.turn_secret_file
    if path is None:
        return None
    try:
        secret = path.read_bytes().strip()
    except OSError as error:
        raise StartRefused(
            f"turn_secret_file {path} cannot be read: {error.strerror}.",
            f"无法读取 turn_secret_file {path}：{why(error).zh}。",
        ) from None
    if not secret:
        raise StartRefused(
            f"turn_secret_file {path} is empty: it must hold the secret that the TURN server has "
            "as static-auth-secret.",
            f"turn_secret_file {path} 是空的：其中应是 TURN 服务器的 static-auth-secret。",
        )
    return TurnServers(settings.turn_urls, secret)
