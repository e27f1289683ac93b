"""What a device tells of itself while it is in no lesson: no lesson, or no server."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from signaling.client.address import ServerAddress
from signaling.client.device import ClientDevice
from signaling.client.errors import SeatRefused, ServerLost
from signaling.client.sentences import Sentence
from signaling.protocol.messages import DeviceKind


class Answers:
    """A server that is away, then has no lesson; each answer tells what the device said before."""

    wait_s = 0.0
    stays = True

    def __init__(self, *answers: Exception | None) -> None:
        self._answers = list(answers)
        self.device: ClientDevice | None = None
        self.seen: list[tuple[bool, Sentence | None]] = []

    async def token(self) -> str | None:
        assert self.device is not None
        self.seen.append((self.device.server_away, self.device.trouble))
        answer = self._answers.pop(0) if self._answers else SeatRefused("enough", "enough", "够了")
        if answer is not None:
            raise answer
        return None


async def test_no_server_is_told_from_no_lesson(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signaling.client.device._BACKOFF_S", (0.0,))
    tokens = Answers(ServerLost("cut", "断了"), None, ServerLost("cut", "断了"))
    said: list[Sentence] = []
    device = ClientDevice(
        ServerAddress.parse("https://tongke.example"),
        tokens,
        DeviceKind.ENCODER,
        lambda *_: pytest.fail("there was no lesson"),
        name="room",
        rng=Random(1),
        say=said.append,
    )
    tokens.device = device
    async with asyncio.timeout(5):
        with pytest.raises(SeatRefused):
            await device.run()
    cut = Sentence("断了", "cut")
    assert tokens.seen == [(False, None), (True, cut), (False, None), (True, cut)]
    told = Sentence("room：断了，正在重试", "room: cut; trying again")
    assert said == [told] * 2  # each outage once
