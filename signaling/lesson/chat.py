"""The last lines of a lesson's chat: what a newcomer is shown. The journal has all of them.

Bounded in number and in size: they are part of every `Welcome`, which a weak room must be able to
take within seconds each time its line is back, and of the state that is saved.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from signaling.protocol.messages import ChatLine

MOST_LINES = 200
MOST_BYTES = 32_768  # 3 s at 100 kb/s; some 300 usual lines


class ChatTail:
    """Add lines with `append`; the oldest go first, and the last one stays whatever its size."""

    def __init__(self) -> None:
        self._lines: deque[ChatLine] = deque()
        self._bytes = 0

    def __iter__(self) -> Iterator[ChatLine]:
        return iter(self._lines)

    def append(self, line: ChatLine) -> None:
        """The newest line."""
        self._lines.append(line)
        self._bytes += _size(line)
        while len(self._lines) > 1 and (len(self._lines) > MOST_LINES or self._bytes > MOST_BYTES):
            self._bytes -= _size(self._lines.popleft())

    def extend(self, lines: Iterable[ChatLine]) -> None:
        """Lines in their order."""
        for line in lines:
            self.append(line)


def _size(line: ChatLine) -> int:
    return len(line.text.encode()) + len(line.name.encode())
