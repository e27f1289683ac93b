"""The few requests that are made of a camera, and what its answers say.

ONVIF Core (device service: time, capabilities) and Media 1 (profiles, stream addresses, encoder
configurations), which every camera since 2010 knows; Media 2 renames them and adds H.265.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit
from xml.sax.saxutils import escape, quoteattr

from hardware_profiles.room_agent.sources.onvif.errors import NotOnvif, OnvifRefused
from hardware_profiles.room_agent.sources.onvif.xml import Node

_DEVICE = 'xmlns="http://www.onvif.org/ver10/device/wsdl"'
_MEDIA = 'xmlns="http://www.onvif.org/ver10/media/wsdl"'
_SCHEMA = 'xmlns:t="http://www.onvif.org/ver10/schema"'
# More than any camera has; each is one more question.
MOST_PROFILES = 32

GET_TIME = f"<GetSystemDateAndTime {_DEVICE}/>"
GET_CAPABILITIES = f"<GetCapabilities {_DEVICE}><Category>Media</Category></GetCapabilities>"
GET_PROFILES = f"<GetProfiles {_MEDIA}/>"


@dataclass(frozen=True, slots=True)
class Encoder:
    """One video encoder configuration; `known` is all of it, to be sent back."""

    token: str
    encoding: str
    h264_profile: str
    frame_rate: float
    gop: int
    known: Node

    @property
    def gop_s(self) -> float:
        """Seconds between two keyframes; 0 where the camera does not say."""
        return self.gop / self.frame_rate if self.frame_rate > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Choices:
    """What an encoder can be set to."""

    least_gop: int
    most_gop: int
    h264_profiles: tuple[str, ...]


def body_of(root: Node) -> Node:
    """What is in the envelope. Raises `OnvifRefused` for a fault, `NotOnvif`."""
    body = root.first("Body")
    if root.name != "Envelope" or body is None:
        raise NotOnvif("no envelope")
    fault = body.first("Fault")
    if fault is not None:
        told = " ".join(node.text for node in fault.walk()).lower()
        raise OnvifRefused(login="notauthorized" in told or "failedauthentication" in told)
    return body


def camera_time(body: Node) -> float | None:
    """The camera's clock, in seconds since 1970; None where it says none."""
    told = body.first("**", "UTCDateTime")
    if told is None:
        return None
    try:
        year, month, day = (int(told.says("Date", name)) for name in ("Year", "Month", "Day"))
        hour, minute, second = (int(told.says("Time", one)) for one in ("Hour", "Minute", "Second"))
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        return None


def media_path(body: Node) -> str:
    """Where its media service is, on the host that was asked: a path.

    What the camera calls itself may be an address behind a router, or somebody else's.
    """
    said = body.says("**", "Media", "XAddr")
    try:
        path = urlsplit(said).path
    except ValueError:
        path = ""
    if not path.startswith("/") or not path.isascii() or not path.isprintable() or " " in path:
        raise NotOnvif("no media service")
    return path


def encoders(body: Node) -> list[tuple[str, Encoder]]:
    """Each profile's token, with its video encoder."""
    found = []
    for profile in list(body.all("GetProfilesResponse", "Profiles"))[:MOST_PROFILES]:
        known = profile.first("VideoEncoderConfiguration")
        if known is not None and profile.attributes.get("token"):
            found.append((profile.attributes["token"], _encoder(known)))
    return found


def _encoder(known: Node) -> Encoder:
    return Encoder(
        token=known.attributes.get("token", ""),
        encoding=known.says("Encoding").upper(),
        h264_profile=known.says("H264", "H264Profile"),
        frame_rate=_number(known.says("RateControl", "FrameRateLimit")),
        gop=round(_number(known.says("H264", "GovLength"))),
        known=known,
    )


def get_stream(profile: str) -> str:
    """Ask for a profile's address."""
    return (
        f"<GetStreamUri {_MEDIA}><StreamSetup><t:Stream {_SCHEMA}>RTP-Unicast</t:Stream>"
        f"<t:Transport {_SCHEMA}><t:Protocol>RTSP</t:Protocol></t:Transport></StreamSetup>"
        f"<ProfileToken>{escape(profile)}</ProfileToken></GetStreamUri>"
    )


def stream_url(body: Node) -> str:
    """A profile's address."""
    return body.says("**", "MediaUri", "Uri")


def same_stream(ours: str, theirs: str) -> bool:
    """Whether both name one stream: cameras add words of their own to the query."""
    try:
        one, other = urlsplit(ours), urlsplit(theirs)
    except ValueError:
        return False
    return one.path.rstrip("/") == other.path.rstrip("/") and set(
        parse_qsl(one.query, keep_blank_values=True)
    ) <= set(parse_qsl(other.query, keep_blank_values=True))


def get_choices(encoder: Encoder, profile: str) -> str:
    """Ask what an encoder can be set to."""
    return (
        f"<GetVideoEncoderConfigurationOptions {_MEDIA}>"
        f"<ConfigurationToken>{escape(encoder.token)}</ConfigurationToken>"
        f"<ProfileToken>{escape(profile)}</ProfileToken></GetVideoEncoderConfigurationOptions>"
    )


def choices(body: Node) -> Choices:
    """What it can be set to."""
    options = body.first("**", "Options")
    h264 = options.first("H264") if options is not None else None
    if h264 is None:
        return Choices(0, 0, ())
    return Choices(
        round(_number(h264.says("GovLengthRange", "Min"))),
        round(_number(h264.says("GovLengthRange", "Max"))),
        tuple(node.text for node in h264.all("H264ProfilesSupported")),
    )


def set_encoder(encoder: Encoder, *, gop: int, h264_profile: str) -> str:
    """Set these two; all else goes back as it came, in the order that cameras insist on."""
    told: dict[tuple[str, ...], str] = {
        ("H264", "GovLength"): str(gop),
        ("H264", "H264Profile"): h264_profile,
    }
    inside = "".join(_sent_back(child, (), told) for child in encoder.known.children)
    return (
        f"<SetVideoEncoderConfiguration {_MEDIA} {_SCHEMA}>"
        f"<Configuration token={quoteattr(encoder.token)}>{inside}</Configuration>"
        "<ForcePersistence>true</ForcePersistence></SetVideoEncoderConfiguration>"
    )


def _sent_back(node: Node, above: tuple[str, ...], told: dict[tuple[str, ...], str]) -> str:
    here = (*above, node.name)
    inside = "".join(_sent_back(child, here, told) for child in node.children)
    text = told.get(here, node.text)
    own = "".join(f" {name}={quoteattr(value)}" for name, value in node.attributes.items())
    return f"<t:{node.name}{own}>{inside or escape(text)}</t:{node.name}>"


def _number(text: str) -> float:
    """0 where it is none, and never more than a picture's parts could be."""
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if 0 <= value <= 1_000_000 else 0.0
