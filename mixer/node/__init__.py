"""The one face of the media core: open a lesson, join, publish, subscribe, tap, close.

    MediaNode ── Lesson ─┬─ Publication ── Connection ─┬─ Port: pump, ICE agent
                         ├─ Subscription ─ Connection ─┘
                         └─ Tap

Callers import from here and from `mixer.errors`; the modules below are the media core's own.
"""

from __future__ import annotations

from mixer.model import (
    ConsumerChanged,
    ConsumerInfo,
    Direction,
    Kind,
    LayersNeeded,
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
from mixer.node.media_node import MediaNode
from mixer.node.stats import (
    ConnectionStats,
    ConsumerStats,
    LayerStats,
    LessonStats,
    Measures,
    NodeStats,
    PortStats,
    ProducerStats,
    SubscriptionStats,
)

__all__ = [
    "ConnectionStats",
    "ConsumerChanged",
    "ConsumerInfo",
    "ConsumerStats",
    "Direction",
    "Kind",
    "LayerStats",
    "LayersNeeded",
    "LessonStats",
    "LinkMeasured",
    "LinkState",
    "Measures",
    "MediaEvent",
    "MediaNode",
    "NodeLimits",
    "NodeSettings",
    "NodeStats",
    "PortStats",
    "ProducerInfo",
    "ProducerLive",
    "ProducerStats",
    "PublishAnswer",
    "SourceOffer",
    "SpeakersChanged",
    "SubscribeOffer",
    "SubscriptionStats",
    "TapInfo",
    "TransportChanged",
    "Want",
]
