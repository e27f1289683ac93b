"""The child: reads its messages until they end.

It opens no file and no connection by itself, and has no secret: it is given pictures, not
addresses.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress

from hardware_profiles.room_agent.converting.messages import (
    BrokenMessage,
    ChildMessage,
    ChildMessages,
    MessageKind,
    message_bytes,
)
from hardware_profiles.room_agent.converting.target import Target

# Two 4K pictures and x264's own stay far below; a decoder that goes wild ends here.
_MOST_MEMORY_BYTES = 2 << 30
# Below the agent, which passes other cameras on in time.
_NICER = 5
_READ_BYTES = 1 << 18


def main() -> int:
    """Exit code 0 when the agent has ended it."""
    _limited()
    messages = ChildMessages()
    waiting: list[ChildMessage] = []
    work = None
    with suppress(BrokenPipeError, BrokenMessage):
        while data := os.read(0, _READ_BYTES):
            waiting += messages.feed(data)
            for message in waiting:
                if work is None:
                    work = _work(message)
                    continue
                _write(b"".join(work.take(message)))
            waiting.clear()
        return 0
    return 1


def _work(setup: ChildMessage):  # type: ignore[no-untyped-def]
    from hardware_profiles.room_agent.converting.conversion import Conversion  # noqa: PLC0415

    if setup.kind is not MessageKind.SETUP:
        raise BrokenMessage
    told = json.loads(setup.body)
    try:
        return Conversion(told["codec"], Target(**told["target"]))
    except ValueError:
        _write(message_bytes(MessageKind.FAILED, b"codec"))
        raise BrokenMessage from None


def _write(data: bytes) -> None:
    while data:
        data = data[os.write(1, data) :]


def _limited() -> None:
    with suppress(ImportError, OSError, ValueError):  # Windows has neither
        import resource  # noqa: PLC0415

        resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY_BYTES, _MOST_MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.nice(_NICER)


if __name__ == "__main__":
    sys.exit(main())
