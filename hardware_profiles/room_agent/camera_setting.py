"""A network camera asked, by ONVIF, for pictures that browsers play and keyframes that come soon.

Owns when it is asked and what is said of it; how is `sources.onvif`'s. When the agent starts, and
again when B-frames or interlaced pictures were seen, which cost a core to convert: then the stream
is opened anew. A camera that refuses is left as it is, and the status page says what can be done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from hardware_profiles.room_agent.camera import CameraFeed
from hardware_profiles.room_agent.passing.fitness import Unfit
from hardware_profiles.room_agent.sources.onvif.conversation import (
    MOST_GOP_S,
    SettingOutcome,
    StreamWish,
)
from hardware_profiles.room_agent.sources.onvif.errors import OnvifAway, OnvifError
from hardware_profiles.room_agent.sources.onvif.post import OnvifCamera
from signaling.client.sentences import Say, Sentence

_MENDED = {Unfit.B_FRAMES, Unfit.INTERLACED}
_LOOK_EVERY_S = 1.0  # at what the stream says of itself: a camera takes longer to be set
_AWAY_S = 30.0  # a camera starts in about a minute
# Who has refused may have been given another user, or another firmware, meanwhile.
_REFUSED_S = 600.0
# Not again and again: each setting may make the camera begin its stream anew.
_ASKED_AGAIN_S = 3600.0


@dataclass(slots=True)
class SetStream:
    """One stream, and what came of asking for it."""

    url: str
    feed: CameraFeed
    outcome: SettingOutcome | None = None


class CameraSetting:
    """`run` it for good; `said` tells of a stream, in words."""

    def __init__(self, camera: OnvifCamera, streams: Sequence[SetStream], say: Say) -> None:
        self._camera = camera
        self.streams = list(streams)
        self._say = say
        self.trouble: OnvifError | None = None

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        plain: frozenset[str] = frozenset()
        wait_until = asked_at = float("-inf")
        while True:
            now, seen = loop.time(), self._unplayable()
            again = seen - plain or (seen and now - asked_at > _ASKED_AGAIN_S)
            if now >= wait_until and (asked_at == float("-inf") or again):
                plain = await self._set_up(seen)
                if self.trouble is None:
                    asked_at = now
                else:
                    away = isinstance(self.trouble, OnvifAway)
                    wait_until = now + (_AWAY_S if away else _REFUSED_S)
            await asyncio.sleep(_LOOK_EVERY_S)

    def _unplayable(self) -> frozenset[str]:
        return frozenset(
            one.url
            for one in self.streams
            if one.feed.converted is not None and one.feed.converted.reason in _MENDED
        )

    async def _set_up(self, plain: frozenset[str]) -> frozenset[str]:
        wishes = [StreamWish(one.url, one.url in plain) for one in self.streams]
        before = str(self.trouble)
        try:
            outcomes = await asyncio.to_thread(self._camera.set_up, wishes)
        except OnvifError as error:
            self.trouble = error
            if str(error) != before:
                self._say(Sentence(error.message_zh, error.message_en))
            return plain
        self.trouble = None
        for one, outcome in zip(self.streams, outcomes, strict=True):
            one.outcome = outcome
            if outcome.plain_set:
                await one.feed.open_again()
        return plain

    def said(self, feed: CameraFeed) -> tuple[str, str] | None:
        """What is to be said of this stream, Chinese and English."""
        if self.trouble is not None:
            return self.trouble.message_zh, self.trouble.message_en
        outcome = next((one.outcome for one in self.streams if one.feed is feed), None)
        return _words(outcome) if outcome is not None else None


def _words(outcome: SettingOutcome) -> tuple[str, str] | None:
    told: list[tuple[str, str]] = []
    if not outcome.found:
        told.append(
            (
                "摄像机的 ONVIF 中没有这路码流，未作设置",
                "the camera's ONVIF does not know this stream; nothing was set",
            )
        )
    if outcome.gop_set:
        told.append(
            (
                f"已设为每 {outcome.gop_s:.1f} 秒一个关键帧",
                f"set to a keyframe every {outcome.gop_s:.1f} s",
            )
        )
    if outcome.gop_s > MOST_GOP_S:
        told.append(
            (
                f"每 {outcome.gop_s:.1f} 秒才有一个关键帧，请在摄像机网页上设为 2 秒以内",
                f"a keyframe every {outcome.gop_s:.1f} s only: set it to 2 s at most on the "
                "camera's page",
            )
        )
    if outcome.plain_set:
        told.append(("已设为 Baseline，无须转换", "set to Baseline, so that nothing is converted"))
    if outcome.plain_refused:
        told.append(
            (
                "摄像机不提供 Baseline，只能由本机转换",
                "the camera offers no Baseline, so it is converted here",
            )
        )
    if not told:
        return None
    return "；".join(zh for zh, _ in told), "; ".join(en for _, en in told)
