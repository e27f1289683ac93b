"""The agent in a lesson it has joined: what it sends, plays and tells.

Implements `signaling.client.attendance.Participant`. The server says which cameras the lesson shall
have of the room and which of the room's devices carries its sound.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from random import Random
from typing import TYPE_CHECKING

from hardware_profiles.room_agent.camera import CameraFeed
from hardware_profiles.room_agent.carrying import Hearing, Offering
from hardware_profiles.room_agent.sound import SoundFeed
from signaling.protocol.messages import (
    ClientMessage,
    LessonState,
    SeatState,
    Source,
    SourceState,
    Want,
    Welcome,
)

if TYPE_CHECKING:
    from aiortc import MediaStreamTrack

    from hardware_profiles.room_agent.sending import CameraSending
    from signaling.client.receiving import Receiving


class RoomInLesson:
    """One joining of one lesson. `sound` and `offering` are None where the page has the sound."""

    def __init__(
        self,
        welcome: Welcome,
        cameras: Mapping[Source, list[CameraFeed]],
        sound: SoundFeed | None,
        offering: Offering | None,
        *,
        rng: Random,
    ) -> None:
        self._profile = welcome.profile
        self._cameras = cameras
        self._sound, self._offering = sound, offering
        self._hearing = Hearing(welcome.seat_id, welcome.device_id)
        self._sends_sound = False
        self._rng = rng
        self._voices: dict[str, int] = {}

    def lesson_is(self, lesson: LessonState) -> None:
        self._hearing.lesson_is(lesson)

    def seat_is(self, seat: SeatState) -> None:
        self._hearing.seat_is(seat)

    def seat_is_gone(self, seat_id: str) -> None:
        pass

    def wish(self, now: float) -> ClientMessage | None:
        """That the room's page shall take the sound over, or gives it back."""
        if self._sound is None or self._offering is None:
            return None
        return self._offering.look(now, flows=self._sound.flows(now))

    def wants(self, seats: Mapping[str, SeatState]) -> list[Want]:
        return self._hearing.wants(seats) if self._sound is not None else []

    def receiving(self) -> Receiving:
        from hardware_profiles.room_agent.hearing import heard  # noqa: PLC0415 - as in `sending`

        return heard(self._hearing, self._listen)

    def sends_anew(self) -> bool:
        return self._sound is not None and self._hearing.carries is not self._sends_sound

    async def sending(self) -> CameraSending | None:
        """All cameras that this lesson shall have of us, and the sound while it is ours."""
        # A third of the memory, and not needed by an agent that waits for a lesson.
        from hardware_profiles.room_agent.sending import (  # noqa: PLC0415 - as said
            CameraSending,
            SentCamera,
        )

        sent = [
            SentCamera(wanted.source, self._cameras[wanted.source])
            for wanted in self._profile.sources
            if wanted.source in self._cameras
        ]
        self._sends_sound = self._sound is not None and self._hearing.carries
        sound = self._sound if self._sends_sound else None
        if self._sound is not None:
            self._sound.carried = self._sends_sound
        if not sent and sound is None:
            return None
        return CameraSending(sent, rng=self._rng, sound=sound)

    async def _listen(self, seat: SeatState, source: SourceState, track: MediaStreamTrack) -> None:
        """Play a voice until it ends."""
        from hardware_profiles.room_agent.hearing import samples_of  # noqa: PLC0415 - as above

        if self._sound is None or track.kind != "audio":
            await asyncio.Event().wait()
            return
        voice = self._voices.setdefault(source.producer_id, len(self._voices) & 0xFF)
        async for samples in samples_of(track):
            self._sound.play(voice, samples)
