"""The one face of the media core: open a lesson, join, publish, subscribe, tap, close.

    MediaNode ── Lesson ─┬─ Publication ── Connection ─┬─ Port: pump, ICE agent
                         ├─ Subscription ─ Connection ─┘
                         └─ Tap

Callers import from here and from `mixer.errors`; the modules below are the media core's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mixer.model import (
    ConsumerChanged,
    ConsumerInfo,
    Direction,
    Kind,
    LinkMeasured,
    LinkState,
    MediaEvent,
    NodeLimits,
    NodeSettings,
    ProducerInfo,
    ProducerLive,
    PublishAnswer,
    SourceOffer,
    SpeakersChanged,
    SubscribeOffer,
    TapInfo,
    TransportChanged,
    Want,
)

if TYPE_CHECKING:
    from mixer.node.media_node import MediaNode

__all__ = [
    "ConsumerChanged",
    "ConsumerInfo",
    "Direction",
    "Kind",
    "LinkMeasured",
    "LinkState",
    "MediaEvent",
    "MediaNode",
    "NodeLimits",
    "NodeSettings",
    "ProducerInfo",
    "ProducerLive",
    "PublishAnswer",
    "SourceOffer",
    "SpeakersChanged",
    "SubscribeOffer",
    "TapInfo",
    "TransportChanged",
    "Want",
]


def __getattr__(name: str) -> object:
    """Load the native pump only for those who run a node, not for all who speak of streams."""
    if name == "MediaNode":
        from mixer.node.media_node import MediaNode  # noqa: PLC0415  # see above

        return MediaNode
    raise AttributeError(name)
