"""What devices send: checking an offer's sources, and the producers that come of it.

The device offers (its publish connection has one offerer, so there is no glare); each sending
m-line is named as a source, and each source of a seat is sent by one of its devices at a time.
"""

from __future__ import annotations

from mixer.model import LayerOffer, ProducerInfo, SourceOffer
from signaling.errors import LessonRefusal
from signaling.lesson.effects import (
    MediaCloseDevice,
    MediaPublish,
    MediaUnpublish,
    ProducerAdded,
    ProducerRemoved,
)
from signaling.lesson.events import PublishAnswered, SourceFed
from signaling.lesson.record import Device, LessonRecord, Producer, Seat
from signaling.lesson.rules import DevicePhase, may_send
from signaling.lesson.sdp import offered_m_lines
from signaling.log import entries as log
from signaling.protocol import messages as m
from signaling.protocol.messages import Source

# For sources a profile says nothing of: 720p of a classroom, and full-band speech.
DEFAULT_VIDEO_BPS, DEFAULT_AUDIO_BPS = 2_500_000, 64_000
# Our pages tell of two at least 5 s apart; a line that stalls brings them nearer together. What
# comes faster is no page that anybody could look for.
PAGES_APART_S = 3.0


class Publishing:
    """Changes the producers of a record."""

    def __init__(self, record: LessonRecord) -> None:
        self._record = record

    def publish(self, device: Device, message: m.Publish, now: float) -> None:
        """Check what each m-line is named, then let the media core have the offer."""
        seat = self._record.seats[device.seat_id]
        m_lines = {m_line.mid: m_line for m_line in offered_m_lines(message.sdp)}
        sources = list(message.sources.values())
        if len(set(sources)) != len(sources) or not set(message.sources) <= set(m_lines):
            raise LessonRefusal("bad-sdp")
        for mid, source in message.sources.items():
            if m_lines[mid].kind != ("audio" if source is Source.ROOM else "video"):
                raise LessonRefusal("wrong-kind")
            self._check_source(device, seat, source)
        for other in self._record.devices_of(seat.seat_id):
            if other is not device:  # an away device's place is taken over
                self.drop_producers(other, now, sources=set(sources))
        device.media = True
        self._record.emit(
            MediaPublish(
                device.device_id,
                message.sdp,
                dict(message.sources),
                {
                    mid: SourceOffer(
                        source.value,
                        max_bitrate_bps(seat.profile, source),
                        layers_of(seat.profile, source),
                    )
                    for mid, source in message.sources.items()
                },
                message.request_id,
            )
        )

    def _check_source(self, device: Device, seat: Seat, source: Source) -> None:
        record = self._record
        if source is Source.ROOM:
            if seat.sound_device != device.device_id:
                raise LessonRefusal("sound-elsewhere")
        elif not may_send(
            source,
            mode=record.mode,
            role=seat.role,
            has_floor=record.floor.holder == seat.seat_id,
        ) and not any(p.source is source for p in device.producers.values()):
            raise LessonRefusal("source-not-allowed")
        for other in record.devices_of(seat.seat_id):
            if (
                other is not device
                and other.phase is DevicePhase.CONNECTED
                and any(producer.source is source for producer in other.producers.values())
            ):
                raise LessonRefusal("source-taken")

    def publish_answered(self, event: PublishAnswered, now: float) -> None:
        """The device now sends exactly these streams."""
        record = self._record
        device = record.devices.get(event.device_id)
        if device is None:  # it left meanwhile
            record.emit(MediaCloseDevice(event.device_id))
            return
        infos = {info.producer_id: info for info in event.answer.producers}
        for producer_id in [known for known in device.producers if known not in infos]:
            self._remove(device, device.producers[producer_id], now)
        for info in infos.values():
            if info.producer_id not in device.producers:
                self._add(device, info, now)
        by_source = {p.source: p.producer_id for p in device.producers.values()}
        record.reply(
            device.connection,
            m.Published(
                request_id=event.request_id,
                sdp=event.answer.sdp,
                producers={
                    mid: by_source[source]
                    for mid, source in event.sources.items()
                    if source in by_source
                },
            ),
        )

    def fed(self, device: Device, event: SourceFed, now: float) -> None:
        """A source that the server feeds for a device: an encoder that speaks no WebRTC."""
        seat = self._record.seats[device.seat_id]
        source = Source(event.producer.label)
        self._check_source(device, seat, source)
        for other in self._record.devices_of(seat.seat_id):
            self.drop_producers(other, now, sources={source})
        device.media = device.established = True  # it has no transport that could tell
        self._add(device, event.producer, now)
        self._record.done(device.connection, event.request_id)

    def _add(self, device: Device, info: ProducerInfo, now: float) -> None:
        producer = Producer(
            info.producer_id, device.device_id, Source(info.label), info.kind, info.codec
        )
        producer.paged_at = now
        device.producers[info.producer_id] = producer
        self._record.emit(ProducerAdded(device.seat_id, producer.source, producer.producer_id))
        self._write(log.SourceAdded, device, producer, now)

    def tell_layers(self, device: Device, producer: Producer) -> None:
        """Which layers of its picture the device need not send, once that is known."""
        if producer.layers_needed is not None:
            self._record.reply(
                device.connection,
                m.LayersNeeded(producer_id=producer.producer_id, layers=producer.layers_needed),
            )

    def unpublish(self, device: Device, message: m.Unpublish, now: float) -> None:
        """Stop one source now; its m-line may be renegotiated away later."""
        for producer in list(device.producers.values()):
            if producer.source is message.source:
                self._record.emit(MediaUnpublish(producer.producer_id))
                self._remove(device, producer, now)
                self._record.done(device.connection, message.request_id)
                return
        raise LessonRefusal("unknown-source")

    def screen_page(self, device: Device, message: m.ScreenPage, now: float) -> None:
        """The screen that this device shares shows another page; one that nobody sees, none."""
        screens = [p for p in device.producers.values() if p.source is Source.SCREEN]
        if not screens:
            raise LessonRefusal("unknown-source")
        record, (screen, *_) = self._record, screens
        seat = record.seats[device.seat_id]
        if now - screen.paged_at >= PAGES_APART_S and record.may_flow(seat, Source.SCREEN):
            since = max(now - message.stood_s, screen.paged_at)
            screen.paged_at = now
            screen.pages += 1
            record.write(
                log.ScreenPageTurned(at=now, seat_id=seat.seat_id, page=screen.pages, since=since)
            )
        record.done(device.connection, message.request_id)

    def drop_producers(
        self, device: Device, now: float, *, sources: set[Source] | None = None
    ) -> None:
        """Forget what a device sends (all, or these sources)."""
        for producer in list(device.producers.values()):
            if sources is None:
                self._remove(device, producer, now)
            elif producer.source in sources:
                self._record.emit(MediaUnpublish(producer.producer_id))
                self._remove(device, producer, now)

    def _remove(self, device: Device, producer: Producer, now: float) -> None:
        del device.producers[producer.producer_id]
        self._record.forget_producer(producer.producer_id)
        for entry in self._record.spells.end(producer.producer_id, now):
            self._record.write(entry)
        self._record.emit(ProducerRemoved(producer.producer_id))
        self._write(log.SourceRemoved, device, producer, now)

    def _write(
        self,
        kind: type[log.SourceAdded | log.SourceRemoved],
        device: Device,
        producer: Producer,
        now: float,
    ) -> None:
        self._record.write(
            kind(
                at=now,
                seat_id=device.seat_id,
                source=producer.source,
                producer_id=producer.producer_id,
            )
        )


def max_bitrate_bps(profile: m.SendProfile, source: Source) -> int:
    """What a source may send at most, by the seat's profile."""
    for wanted in profile.sources:
        if wanted.source is source:
            layers = sum(encoding.max_bitrate_bps for encoding in wanted.encodings)
            if max(wanted.max_bitrate_bps, layers) > 0:
                return max(wanted.max_bitrate_bps, layers)
    return DEFAULT_AUDIO_BPS if source is Source.ROOM else DEFAULT_VIDEO_BPS


def layers_of(profile: m.SendProfile, source: Source) -> tuple[LayerOffer, ...]:
    """The sizes that a source is to send, by the seat's profile; none where it says nothing."""
    return tuple(
        LayerOffer(
            encoding.rid,
            round(wanted.width / encoding.scale_down_by),
            round(wanted.height / encoding.scale_down_by),
        )
        for wanted in profile.sources
        if wanted.source is source
        for encoding in wanted.encodings
    )
