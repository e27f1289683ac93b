"""The child that takes the room's sound and plays the others': reads its messages until they end.

It makes no connection by itself and has no secret. A process of its own, because what decodes a
camera's sound may fall, and because 10 ms are kept whatever the agent does.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
from contextlib import suppress
from typing import Any

from hardware_profiles.room_agent.converting.child_bounds import bound_itself, write_whole
from hardware_profiles.room_agent.converting.messages import (
    BrokenMessage,
    ChildMessage,
    ChildMessages,
    MessageKind,
    PictureMessage,
    message_bytes,
)
from hardware_profiles.room_agent.sounding.alsa import (
    AlsaError,
    AlsaLoudspeaker,
    AlsaMicrophone,
)
from hardware_profiles.room_agent.sounding.cards import device_name
from hardware_profiles.room_agent.sounding.desk import AlsaTurn, CodedTurn, Desk, Player
from hardware_profiles.room_agent.sounding.echo import ProcessingSteps
from mixer.libopus import OpusError

# A few seconds of sound and the processing's own stay far below.
_MOST_MEMORY_BYTES = 1 << 30
_READ_BYTES = 1 << 16
# Two seconds of a camera's packets: more than that waits for a machine that cannot follow.
_MOST_WAITING = 200
# Above the pictures' children: speech goes before pictures. Needs a right that few have.
_KINDER = -5


def main() -> int:
    """Exit code 0 when the agent has ended it."""
    bound_itself(_MOST_MEMORY_BYTES, nicer=_KINDER)
    messages = ChildMessages()
    came: list[ChildMessage] = []
    while not came:
        data = os.read(0, _READ_BYTES)
        if not data:
            return 0
        with suppress(BrokenMessage):
            came += messages.feed(data)
    try:
        setup = dict(json.loads(came[0].body)) if came[0].kind is MessageKind.SETUP else {}
        desk = _desk(setup)
    except (OpusError, ImportError) as error:
        word = "no-opus" if isinstance(error, OpusError) else "no-processing"
        write_whole(message_bytes(MessageKind.FAILED, word.encode()))
        return 1
    coded: queue.Queue[PictureMessage] = queue.Queue(_MOST_WAITING)
    hearing = _Hearing(desk, coded, messages)
    for message in came[1:]:
        hearing.take(message)
    threading.Thread(target=hearing.run, daemon=True).start()
    with suppress(BrokenPipeError):
        if "codec" in setup:
            _camera(setup, desk, coded)
        else:
            _card(setup, desk)
    return 1


class _Hearing:
    """Takes what the agent says, until it is gone."""

    def __init__(
        self, desk: Desk, coded: queue.Queue[PictureMessage], messages: ChildMessages
    ) -> None:
        self._desk, self._coded, self._messages = desk, coded, messages

    def run(self) -> None:
        with suppress(BrokenMessage, OSError):
            while data := os.read(0, _READ_BYTES):
                for message in self._messages.feed(data):
                    self.take(message)
        os._exit(0)

    def take(self, message: ChildMessage) -> None:
        if message.kind is MessageKind.HEARD:
            self._desk.heard(message.body)
        elif message.kind is MessageKind.CODED:
            with suppress(queue.Full):
                self._coded.put_nowait(PictureMessage.read(message.body))


def _desk(setup: dict[str, Any]) -> Desk:
    wanted = ProcessingSteps(echo=setup["echo"], noise=setup["noise"], gain=setup["gain"])
    speaker = setup["loudspeaker"]
    opened = (lambda: AlsaLoudspeaker(_device(speaker))) if speaker else None
    return Desk(wanted, setup["bitrate_bps"], Player(opened), write_whole)


def _card(setup: dict[str, Any], desk: Desk) -> None:
    def opened() -> AlsaMicrophone:
        return AlsaMicrophone(_device(setup["device"]))

    turns = AlsaTurn(desk, opened, time.monotonic, time.sleep)
    while True:
        turns.turn()
        desk.tell(time.monotonic(), time.process_time())


def _camera(setup: dict[str, Any], desk: Desk, coded: queue.Queue[PictureMessage]) -> None:
    from hardware_profiles.room_agent.sounding.coded import CodedSound  # noqa: PLC0415 - PyAV

    config = bytes.fromhex(setup["config"])
    sound = CodedSound(setup["codec"], setup["clock_rate"], setup["channels"], config)
    turns = CodedTurn(desk, time.monotonic, plays=bool(setup["loudspeaker"]))
    wait = 0.0
    while True:
        with suppress(queue.Empty):
            one = coded.get(timeout=max(0.001, wait))
            for position, samples in sound.of(one.data, one.timestamp):
                turns.came(samples, position, time.monotonic())
        wait = turns.turn()
        desk.tell(time.monotonic(), time.process_time())


def _device(wanted: str) -> str:
    name = device_name(wanted)
    if name is None:
        raise AlsaError("ambiguous")
    return name


if __name__ == "__main__":
    sys.exit(main())
