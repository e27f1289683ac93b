"""Whoever sends producers, as a lesson sees it; and the lesson, as they see it.

A device's publication is one, a feed of this machine another. What differs between them (ICE and
DTLS or a Unix socket, negotiated codecs or ours) ends here: nothing behind this asks which it is.
"""

from __future__ import annotations

from typing import Protocol

from mixer.node.port import ProducerOwner
from mixer.node.streams import Producer


class Sender(Protocol):
    """Where a producer comes from."""

    def ask_keyframe(self, producer: Producer, slot: int) -> None:
        """Ask it for a keyframe now; how often is the lesson's business."""
        ...

    def remove(self, producer: Producer) -> None:
        """Stop it: out of the lesson, then out of the pump."""
        ...


class SenderOwner(ProducerOwner, Protocol):
    """The lesson, which is told of every producer that comes and goes."""

    def producer_added(self, producer: Producer, sender: Sender) -> None: ...
    def producer_removed(self, producer: Producer) -> None: ...
