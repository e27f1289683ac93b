"""The one face of the media core: open a lesson, join, publish, subscribe, tap, close."""

from __future__ import annotations

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

__all__ = [
    "ConsumerChanged",
    "ConsumerInfo",
    "Direction",
    "Kind",
    "LinkMeasured",
    "LinkState",
    "MediaEvent",
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
