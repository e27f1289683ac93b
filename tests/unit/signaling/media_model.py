"""The media core without packets.

It knows which device sends what, which offer is out, and what is paused, and answers accordingly.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from mixer.errors import AnswerUnexpected, NodeFull, SdpRefused
from mixer.model import (
    ConsumerInfo,
    Kind,
    ProducerInfo,
    PublishAnswer,
    SourceOffer,
    SubscribeOffer,
    Want,
)
from signaling.lesson import effects as f
from signaling.lesson import events as e


@dataclass
class DeviceMedia:
    """What the media core knows of one device."""

    producers: dict[str, ProducerInfo] = field(default_factory=dict)  # by mid
    wants: tuple[Want, ...] = ()
    offer_out: bool = False
    player: bool = False


class MediaModel:
    """One lesson's media without packets. `fail_next` makes the next call of that name fail."""

    def __init__(self, first_number: int = 1) -> None:
        self.devices: dict[str, DeviceMedia] = {}
        self.paused: dict[str, bool] = {}
        self.fail_next: dict[str, Exception] = {}
        self.restarts = 0
        self.numbers = itertools.count(first_number)

    def _fail(self, call: str) -> None:
        error = self.fail_next.pop(call, None)
        if error is not None:
            raise error

    @property
    def producers(self) -> dict[str, ProducerInfo]:
        return {p.producer_id: p for d in self.devices.values() for p in d.producers.values()}

    def publish(self, device_id: str, sdp: str, offers: dict[str, SourceOffer]) -> PublishAnswer:
        self._fail("publish")
        if "refuse-me" in sdp:
            raise SdpRefused("refuse-me")
        device = self.devices.setdefault(device_id, DeviceMedia())
        for mid in [mid for mid in device.producers if mid not in offers]:
            self.paused.pop(device.producers.pop(mid).producer_id, None)
        for mid, source in offers.items():
            if mid not in device.producers:
                kind = Kind.AUDIO if source.label == "room" else Kind.VIDEO
                producer_id = f"p{next(self.numbers)}"
                device.producers[mid] = ProducerInfo(
                    producer_id, device_id, source.label, kind, "H264", 1
                )
                self.paused[producer_id] = False
        return PublishAnswer("v=0\r\nanswer", tuple(device.producers.values()))

    def subscribe(
        self, device_id: str, wants: Sequence[Want], *, restart: bool
    ) -> SubscribeOffer | None:
        self._fail("subscribe")
        device = self.devices.setdefault(device_id, DeviceMedia())
        assert restart or not device.offer_out, "an offer is out: it must be answered first"
        assert {w.producer_id for w in wants} <= set(self.producers)
        self.restarts += restart
        if tuple(wants) == device.wants and not restart:
            return None
        if device.player:  # it has offered itself: streams go on its free lines
            device.wants = tuple(wants)
            return None
        device.wants, device.offer_out = tuple(wants), True
        consumers = tuple(ConsumerInfo(w.producer_id, str(n)) for n, w in enumerate(wants))
        return SubscribeOffer("v=0\r\noffer", consumers)

    def subscribe_answer(self, device_id: str, sdp: str) -> None:
        self._fail("subscribe_answer")
        device = self.devices.get(device_id)
        if device is None or not device.offer_out:
            raise AnswerUnexpected("no offer")
        device.offer_out = False

    def subscribe_offered(self, device_id: str, sdp: str, wants: Sequence[Want]) -> str:
        self._fail("subscribe_offered")
        self.devices[device_id] = DeviceMedia(wants=tuple(wants), player=True)
        return "v=0\r\nplayer-answer"

    def feed(self, kind: Kind) -> ProducerInfo:
        """A stream made on the server; `unpublish` ends it."""
        producer_id = f"p{next(self.numbers)}"
        label, codec = ("mix", "opus") if kind is Kind.AUDIO else ("program", "H264")
        info = ProducerInfo(producer_id, "program", label, kind, codec, 1)
        self.devices.setdefault("program", DeviceMedia()).producers[producer_id] = info
        self.paused[producer_id] = False
        return info

    def unpublish(self, producer_id: str) -> None:
        for device in self.devices.values():
            for mid, producer in list(device.producers.items()):
                if producer.producer_id == producer_id:
                    del device.producers[mid]
        self.paused.pop(producer_id, None)

    def close_device(self, device_id: str) -> None:
        device = self.devices.pop(device_id, None)
        if device is not None:
            for producer in device.producers.values():
                self.paused.pop(producer.producer_id, None)

    def pause(self, producer_id: str, paused: bool) -> None:
        assert producer_id in self.paused, f"{producer_id} is not there to be paused"
        self.paused[producer_id] = paused

    def heard(self) -> set[str]:
        """Producers of sound that go to the others."""
        return {
            p.producer_id
            for p in self.producers.values()
            if p.kind is Kind.AUDIO and not self.paused[p.producer_id]
        }


def call_media(media: MediaModel, effect: f.MediaCall) -> e.MediaAnswered | None:
    """What the runner does with a media effect, at once."""
    names = {f.MediaPublish: "publish", f.MediaSubscribe: "subscribe", f.MediaAnswer: "answer"}
    try:
        match effect:
            case f.MediaPause():
                media.pause(effect.producer_id, effect.paused)
            case f.MediaCloseDevice():
                media.close_device(effect.device_id)
            case f.MediaUnpublish():
                media.unpublish(effect.producer_id)
            case f.MediaPublish(device_id, sdp, sources, offers, request_id):
                published = media.publish(device_id, sdp, dict(offers))
                return e.PublishAnswered(device_id, sources, published, request_id)
            case f.MediaSubscribe(device_id, wants, restart, request_id):
                offer = media.subscribe(device_id, wants, restart=restart)
                return e.SubscribeOffered(device_id, offer, request_id)
            case f.MediaAnswer(device_id, sdp, request_id):
                media.subscribe_answer(device_id, sdp)
                return e.AnswerAccepted(device_id, request_id)
            case f.MediaPlay(device_id, sdp, wants, request_id):
                answer = media.subscribe_offered(device_id, sdp, wants)
                return e.PlayAnswered(device_id, answer, request_id)
    except (SdpRefused, AnswerUnexpected, NodeFull):
        call = names.get(type(effect), "play")
        return e.MediaFailed(effect.device_id, call, "bad-sdp", effect.request_id)  # type: ignore[union-attr,arg-type]  # what asks the node has both
    return None
