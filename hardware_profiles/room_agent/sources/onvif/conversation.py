"""What a camera is asked after what, to make its streams playable: sans-IO.

A generator: it yields a `Question`, is sent the answer's bytes, and returns what came of it. The
Baseline profile has neither B-frames nor interlaced pictures (ITU-T H.264 §A.2.1): a camera that is
asked for it sends none.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from hardware_profiles.room_agent.sources.onvif import media
from hardware_profiles.room_agent.sources.onvif.errors import OnvifRefused
from hardware_profiles.room_agent.sources.onvif.media import Encoder
from hardware_profiles.room_agent.sources.onvif.xml import Node, parse

DEVICE_PATH = "/onvif/device_service"
# A camera cannot be asked for a keyframe: whoever comes waits for the next one.
MOST_GOP_S = 2.0
_PLAIN = "Baseline"


@dataclass(frozen=True, slots=True)
class Question:
    """One POST to the camera; without its time no login can be made yet."""

    path: str
    body: str
    camera_time: float | None


@dataclass(frozen=True, slots=True)
class SettingOutcome:
    """What became of one stream."""

    found: bool  # the camera has it among its profiles
    gop_s: float = 0.0  # as it is now; 0: not known
    gop_set: bool = False
    plain_set: bool = False  # Baseline, where B-frames or interlaced pictures were
    plain_refused: bool = False  # it knows no Baseline, or keeps its own


Conversation = Generator[Question, bytes, list[SettingOutcome]]


@dataclass(frozen=True, slots=True)
class StreamWish:
    """A stream by its address; `plain`: without B-frames, progressive."""

    url: str
    plain: bool


def conversation(wishes: Sequence[StreamWish], *, path: str = DEVICE_PATH) -> Conversation:
    """Raises `OnvifError` from where an answer is sent in."""
    told = parse((yield Question(path, media.GET_TIME, None)))
    try:
        now = media.camera_time(media.body_of(told))
    except OnvifRefused:
        now = None  # some want a login even for their clock
    asked = _Asked(now)
    capabilities = yield from asked.ask(path, media.GET_CAPABILITIES)
    asked.media = media.media_path(capabilities)
    known = media.encoders((yield from asked.ask(asked.media, media.GET_PROFILES)))
    urls: list[str] = []
    for profile, _ in known:
        told_url = yield from asked.ask(asked.media, media.get_stream(profile))
        urls.append(media.stream_url(told_url))
    outcomes = []
    for wish in wishes:
        place = next((at for at, url in enumerate(urls) if media.same_stream(wish.url, url)), None)
        if place is None:
            outcomes.append(SettingOutcome(found=False))
        else:
            outcomes.append((yield from _set_up(asked, *known[place], plain=wish.plain)))
    return outcomes


class _Asked:
    """The camera's clock, and where its media service is."""

    def __init__(self, camera_time: float | None) -> None:
        self._camera_time = camera_time
        self.media = ""

    def ask(self, path: str, body: str) -> Generator[Question, bytes, Node]:
        return media.body_of(parse((yield Question(path, body, self._camera_time or 0.0))))


def _set_up(
    asked: _Asked, profile: str, encoder: Encoder, *, plain: bool
) -> Generator[Question, bytes, SettingOutcome]:
    if encoder.encoding != "H264":
        return SettingOutcome(found=True, plain_refused=plain)
    told = yield from asked.ask(asked.media, media.get_choices(encoder, profile))
    choices = media.choices(told)
    gop = encoder.gop
    if encoder.gop_s > MOST_GOP_S:
        gop = max(choices.least_gop, int(MOST_GOP_S * encoder.frame_rate))
        gop = min(gop, choices.most_gop or gop, encoder.gop)
    h264_profile = encoder.h264_profile
    if plain and _PLAIN in choices.h264_profiles:
        h264_profile = _PLAIN
    if (gop, h264_profile) == (encoder.gop, encoder.h264_profile):
        return SettingOutcome(found=True, gop_s=encoder.gop_s, plain_refused=plain)
    change = media.set_encoder(encoder, gop=gop, h264_profile=h264_profile)
    yield from asked.ask(asked.media, change)
    # Some say yes and keep their own.
    after = dict(media.encoders((yield from asked.ask(asked.media, media.GET_PROFILES))))
    now = after.get(profile, encoder)
    is_plain = now.h264_profile == _PLAIN
    return SettingOutcome(
        found=True,
        gop_s=now.gop_s,
        gop_set=now.gop < encoder.gop,
        plain_set=plain and is_plain and encoder.h264_profile != _PLAIN,
        plain_refused=plain and not is_plain,
    )
