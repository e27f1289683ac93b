"""What the media core notices, and what the lesson makes of it."""

from __future__ import annotations

from mixer.model import (
    ConsumerChanged,
    Direction,
    FallbackNeeded,
    Kind,
    LayersNeeded,
    LinkMeasured,
    LinkState,
    MediaEvent,
    PictureFaultsChanged,
    ProducerLive,
    SpeakersChanged,
    SpeechHeard,
    TransportChanged,
)
from signaling.lesson.publishing import Publishing
from signaling.lesson.record import LessonRecord
from signaling.lesson.roster import Roster
from signaling.lesson.subscribing import Subscribing
from signaling.protocol import messages as m


class Reports:
    """Takes the media core's events into a record."""

    def __init__(
        self,
        record: LessonRecord,
        roster: Roster,
        publishing: Publishing,
        subscribing: Subscribing,
    ) -> None:
        self._record = record
        self._roster = roster
        self._publishing = publishing
        self._subscribing = subscribing

    def handle(self, event: MediaEvent, now: float) -> bool:
        """Whether the lesson's public view may have changed: most measurements change nothing."""
        match event:
            case ProducerLive():
                self._producer_live(event)
            case PictureFaultsChanged():
                self._picture_faults(event)
            case SpeakersChanged():
                self._speakers_changed(event)
                return False
            case SpeechHeard():
                self._speech_heard(event, now)
                return False
            case ConsumerChanged():
                self._consumer_changed(event)
                return False
            case LayersNeeded() | FallbackNeeded():
                self._demand_changed(event)
                return False
            case LinkMeasured():
                return self._link_measured(event, now)
            case TransportChanged():
                self._transport_changed(event, now)
        return True

    def _producer_live(self, event: ProducerLive) -> None:
        """A stream's first packet has come: it can be shown."""
        found = self._record.find_producer(event.producer_id)
        if found is not None:
            found[1].live = True

    def _picture_faults(self, event: PictureFaultsChanged) -> None:
        """A picture is coded as not all browsers show it, or is no longer."""
        found = self._record.find_producer(event.producer_id)
        if found is not None:
            found[1].faults = tuple(m.PictureFault(fault) for fault in event.faults)

    def _speakers_changed(self, event: SpeakersChanged) -> None:
        """Who is heard now: only seats whose sound goes out, each at its loudest."""
        levels: dict[str, int] = {}
        for producer_id, level in event.levels:
            found = self._record.find_producer(producer_id)
            if found is not None and self._record.may_speak(found[0]):
                seat_id = found[0].seat_id
                levels[seat_id] = max(level, levels.get(seat_id, -127))
        loudest_first = sorted(levels.items(), key=lambda item: -item[1])
        self._record.speakers.report(tuple(loudest_first))

    def _speech_heard(self, event: SpeechHeard, now: float) -> None:
        """Somebody speaks, or has spoken: an entry of their seat."""
        found = self._record.find_producer(event.producer_id)
        if found is not None:
            for entry in self._record.spells.heard(found[0].seat_id, event, now):
                self._record.write(entry)

    def _consumer_changed(self, event: ConsumerChanged) -> None:
        """A device now gets another layer of a stream, or none."""
        device = self._record.devices.get(event.device_id)
        if device is None or event.producer_id in self._record.gone_producers:
            return
        reason = event.reason
        assert reason in ("", "bandwidth", "producer-paused", "producer-silent")
        self._record.reply(
            device.connection,
            m.StreamChanged(producer_id=event.producer_id, layer=event.layer, reason=reason),
        )

    def _demand_changed(self, event: LayersNeeded | FallbackNeeded) -> None:
        if isinstance(event, LayersNeeded):
            self._layers_needed(event)
        else:
            self._fallback_needed(event)

    def _layers_needed(self, event: LayersNeeded) -> None:
        """Some layers of a picture are needed by nobody, or are needed again."""
        stream = self._record.streams.get(event.producer_id)
        if stream is not None:  # whoever makes it looks at the lesson
            stream.layers_needed = event.layers
            return
        device = self._record.devices.get(event.device_id)
        producer = device.producers.get(event.producer_id) if device else None
        if device is None or producer is None:
            return
        if producer.kind is Kind.AUDIO:
            return  # an encoder's, fed: whether anybody receives it is no matter of layers to it
        producer.layers_needed = event.layers
        self._publishing.tell_layers(device, producer)

    def _fallback_needed(self, event: FallbackNeeded) -> None:
        """Somebody cannot show a picture of the lesson's own as it is, or nobody is left."""
        stream = self._record.streams.get(event.producer_id)
        if stream is not None:  # whoever makes it looks at the lesson
            stream.fallback_needed = event.layers

    def _link_measured(self, event: LinkMeasured, now: float) -> bool:
        """One measurement of a device's line; whether its word has changed."""
        device = self._record.devices.get(event.device_id)
        if device is None:
            return False
        before = device.link.quality
        device.link.measured(event, now)
        return device.link.quality is not before

    def _transport_changed(self, event: TransportChanged, now: float) -> None:
        """A device's transport connected, fell silent or closed.

        WHIP and WHEP devices have no socket: their transport tells whether they are here. For all
        others a closed transport is theirs to mend, by a new offer or by asking for one.
        """
        device = self._record.devices.get(event.device_id)
        if device is None:
            return
        device.link.transport_changed(event.direction, event.state)
        device.established |= event.state is LinkState.CONNECTED
        if event.state is LinkState.CLOSED:
            if device.over_http:
                self._roster.leave(device, now, "left")
            elif event.direction is Direction.PUBLISH:
                self._publishing.drop_producers(device, now)
            else:
                self._subscribing.connection_closed(device)
        elif device.over_http and event.state is LinkState.LOST:
            self._roster.lose(device, now)
        elif device.over_http and event.state is LinkState.CONNECTED:
            self._roster.found(device, now)
