"""How a track's packets travel, in RTSP's words (RFC 2326 §12.37 Session, §12.39 Transport)."""

from __future__ import annotations

from dataclasses import dataclass

from hardware_profiles.room_agent.sources.rtsp.errors import NotRtsp

_USUAL_TIMEOUT_S = 60
# A camera that says less is held to this: keep-alives twice a second help nobody.
_LEAST_TIMEOUT_S = 4
_MOST_TIMEOUT_S = 120


@dataclass(frozen=True, slots=True)
class Way:
    """Through the connection itself, or by UDP to two ports of ours: `rtp_port` and the next."""

    rtp_port: int | None = None

    @property
    def interleaved(self) -> bool:
        return self.rtp_port is None


TCP = Way()


def transport_field(way: Way, channel: int) -> str:
    """What SETUP asks for; `channel` is the RTP channel where it is interleaved."""
    if way.rtp_port is None:
        return f"RTP/AVP/TCP;unicast;interleaved={channel}-{channel + 1}"
    return f"RTP/AVP;unicast;client_port={way.rtp_port}-{way.rtp_port + 1}"


def channel_of(answer: str, asked: int) -> int:
    """The RTP channel that the camera will use. Raises `NotRtsp` when there can be none."""
    for parameter in answer.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name.lower() == "interleaved":
            first = value.partition("-")[0].strip()
            if not (first.isascii() and first.isdecimal()) or len(first) > 3 or int(first) > 254:
                raise NotRtsp("a channel that is none")
            return int(first)
    return asked


def session_of(value: str) -> tuple[str, float]:
    """The session's name and how long it lasts without a word from us."""
    name, *parameters = value.split(";")
    timeout_s = float(_USUAL_TIMEOUT_S)
    for parameter in parameters:
        key, _, number = parameter.strip().partition("=")
        number = number.strip()
        if key.strip().lower() == "timeout" and number.isascii() and number.isdecimal():
            timeout_s = float(number[:6])
    name = name.strip()
    if len(name) > 200 or not name.isprintable() or " " in name:
        raise NotRtsp("a session's name that is none")
    return name, min(max(timeout_s, _LEAST_TIMEOUT_S), _MOST_TIMEOUT_S)
