"""What a camera says it sends: SDP (RFC 4566), as RTSP uses it (RFC 2326 §C), RFC 6184 §8.2,
RFC 7798 §7.1.

Read with patience: cameras leave out what they must not and add what nobody knows. What is needed
is the tracks, how each is called and controlled, the parameter sets of H.264 and H.265, and how
AAC is set up.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from hardware_profiles.room_agent.sources.rtsp.address import checked_url, control_url
from hardware_profiles.room_agent.sources.rtsp.errors import NotRtsp
from hardware_profiles.room_agent.whole.h265 import described_sets
from mixer.rtp.h264 import sprop_parameter_sets

# A camera has a picture, a sound and some metadata; two lenses have twice that.
MOST_TRACKS = 16
_MOST_CONFIG_DIGITS = 64  # an AudioSpecificConfig is 2 to 7 bytes
_STATIC = {0: ("PCMU", 8_000), 8: ("PCMA", 8_000), 9: ("G722", 8_000), 26: ("JPEG", 90_000)}


@dataclass(frozen=True, slots=True)
class CameraTrack:
    """One stream of packets. `codec` is in capitals; "" when the camera does not say."""

    kind: str
    payload_type: int
    codec: str
    clock_rate: int
    control: str
    parameter_sets: tuple[bytes, ...] = ()
    channels: int = 1  # of a sound
    config: bytes = b""  # of AAC: how its decoder is set up (RFC 3640 §4.1)


@dataclass(frozen=True, slots=True)
class Description:
    """All tracks, and what they are controlled by together."""

    control: str
    tracks: tuple[CameraTrack, ...]


@dataclass(slots=True)
class _Media:
    kind: str
    payload_type: int
    attributes: dict[str, list[str]] = field(default_factory=dict)


def read_description(body: bytes, base: str) -> Description:
    """The description of what is at `base`. Raises `NotRtsp`."""
    session: dict[str, list[str]] = {}
    medias: list[_Media] = []
    attributes: dict[str, list[str]] | None = session
    for line in _lines(body):
        key, _, value = line.partition("=")
        if key == "m":
            media = _media(value)
            if media is not None and len(medias) < MOST_TRACKS:
                medias.append(media)
            # The attributes of what is passed over belong to nobody.
            attributes = media.attributes if media is not None and media is medias[-1] else None
        elif key == "a" and attributes is not None:
            name, _, rest = value.partition(":")
            attributes.setdefault(name.strip().lower(), []).append(rest.strip())
    whole = control_url(base, session.get("control", ["*"])[0])
    return Description(whole, tuple(_track(media, base) for media in medias))


def base_url(asked: str, content_base: str, content_location: str) -> str:
    """What relative addresses of an answer are relative to (RFC 2326 §C.1.1)."""
    for told in (content_base, content_location):
        if told.lower().startswith("rtsp://"):
            try:
                return control_url("", checked_url(told))
            except NotRtsp:
                continue
    return asked


def _lines(body: bytes) -> Iterator[str]:
    for line in body.decode("utf-8", "replace").replace("\r", "\n").split("\n"):
        if line[1:2] == "=":
            yield line.strip()


def _media(value: str) -> _Media | None:
    """`video 0 RTP/AVP 96`; None of what is not RTP."""
    words = value.split()
    if len(words) < 4 or not words[2].upper().startswith("RTP/"):
        return None
    if not (words[3].isascii() and words[3].isdecimal()) or int(words[3][:4]) > 127:
        return None
    return _Media(words[0].lower(), int(words[3]))


def _track(media: _Media, base: str) -> CameraTrack:
    codec, clock_rate = _STATIC.get(media.payload_type, ("", 90_000))
    channels, config = 1, b""
    for value in media.attributes.get("rtpmap", []):
        payload_type, _, encoding = value.partition(" ")
        if payload_type == str(media.payload_type):
            name, _, rate = encoding.strip().partition("/")
            codec, clock_rate = name.upper()[:20], _rate(rate, clock_rate)
            channels = 2 if rate.strip().endswith("/2") else 1
    sets: tuple[bytes, ...] = ()
    for value in media.attributes.get("fmtp", []):
        payload_type, _, parameters = value.partition(" ")
        if payload_type == str(media.payload_type):
            sets = described_sets(parameters) if codec == "H265" else _parameter_sets(parameters)
            config = _config(parameters)
    control = control_url(base, media.attributes.get("control", [""])[0])
    return CameraTrack(
        media.kind, media.payload_type, codec, clock_rate, control, sets, channels, config
    )


def _rate(text: str, otherwise: int) -> int:
    digits = text.partition("/")[0].strip()
    if not (digits.isascii() and digits.isdecimal()) or len(digits) > 7:
        return otherwise
    return int(digits) or otherwise


def _config(parameters: str) -> bytes:
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name.lower() == "config" and len(value) <= _MOST_CONFIG_DIGITS:
            with suppress(ValueError):
                return bytes.fromhex(value)
    return b""


def _parameter_sets(parameters: str) -> tuple[bytes, ...]:
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name.lower() == "sprop-parameter-sets":
            return sprop_parameter_sets(value)
    return ()
