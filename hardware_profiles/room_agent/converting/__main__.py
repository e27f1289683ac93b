"""The child: reads its messages until they end.

It makes no connection by itself and has no secret: of network cameras it is given pictures, not
addresses; of this machine's devices their names.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from hardware_profiles.room_agent.converting.child_bounds import bound_itself, write_whole
from hardware_profiles.room_agent.converting.messages import (
    BrokenMessage,
    ChildMessage,
    ChildMessages,
    MessageKind,
    message_bytes,
)
from hardware_profiles.room_agent.converting.target import Target

if TYPE_CHECKING:  # read in when the setup says which of them it is
    from hardware_profiles.room_agent.converting.capture import Capture
    from hardware_profiles.room_agent.converting.conversion import Conversion

# Two 4K pictures and x264's own stay far below; a decoder that goes wild ends here.
_MOST_MEMORY_BYTES = 2 << 30
# Below the agent, which passes other cameras on in time.
_NICER = 5
_READ_BYTES = 1 << 18


def main() -> int:
    """Exit code 0 when the agent has ended it."""
    bound_itself(_MOST_MEMORY_BYTES, nicer=_NICER)
    messages = ChildMessages()
    waiting: list[ChildMessage] = []
    work = None
    with suppress(BrokenPipeError, BrokenMessage):
        while data := os.read(0, _READ_BYTES):
            waiting += messages.feed(data)
            for place, message in enumerate(waiting):
                if work is None:
                    told = _told(message)
                    if "kind" in told:
                        return _captured(told, messages, waiting[place + 1 :])
                    work = _work(told)
                    continue
                write_whole(b"".join(work.take(message)))
            waiting.clear()
        return 0
    return 1


def _captured(told: dict[str, Any], messages: ChildMessages, came: list[ChildMessage]) -> int:
    from hardware_profiles.room_agent.converting.capture import (  # noqa: PLC0415 - see TYPE_CHECKING above
        Capture,
        CaptureFailed,
        CaptureSetup,
    )

    setup = CaptureSetup(
        told["kind"], told["device"], tuple(Target(**one) for one in told["targets"])
    )
    capture = Capture(setup, write_whole)
    for message in came:
        capture.take(message)
    threading.Thread(target=_hear, args=(capture, messages), daemon=True).start()
    try:
        capture.run()
    except CaptureFailed as failed:
        write_whole(message_bytes(MessageKind.FAILED, failed.word.encode()))
    return 1


def _hear(capture: Capture, messages: ChildMessages) -> None:
    """Take what the agent says, until it is gone."""
    with suppress(BrokenMessage, OSError):
        while data := os.read(0, _READ_BYTES):
            for message in messages.feed(data):
                capture.take(message)
    os._exit(0)


def _told(setup: ChildMessage) -> dict[str, Any]:
    if setup.kind is not MessageKind.SETUP:
        raise BrokenMessage
    return dict(json.loads(setup.body))


def _work(told: dict[str, Any]) -> Conversion:
    from hardware_profiles.room_agent.converting.conversion import Conversion  # noqa: PLC0415 - see TYPE_CHECKING above

    try:
        return Conversion(told["codec"], Target(**told["target"]))
    except ValueError:
        write_whole(message_bytes(MessageKind.FAILED, b"codec"))
        raise BrokenMessage from None


if __name__ == "__main__":
    sys.exit(main())
