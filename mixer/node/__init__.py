"""The one face of the media core: open a lesson, join, publish, subscribe, feed, tap, close.

    MediaNode ─ LessonMedia ─┬─ Members ─┬─ Publication ── PeerConnection ─┬─ Port: pump, ICE agent
                             │           ├─ Subscription ─ PeerConnection ─┘
                             │           └─ Feed, Tap (Unix sockets)
                             └─ ControlLoop: measures, shares out, tells

Callers import from here, `mixer.model` (the nouns) and `mixer.errors`; the modules below are the
media core's own.
"""

from __future__ import annotations

from mixer.node.media_node import MediaNode
from mixer.node.runtime_folder import RuntimeFolder
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
    "ConsumerStats",
    "LayerStats",
    "LessonStats",
    "Measures",
    "MediaNode",
    "NodeStats",
    "PortStats",
    "ProducerStats",
    "RuntimeFolder",
    "SubscriptionStats",
]
