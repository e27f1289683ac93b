"""The lesson's own streams, which no seat sends: its program, made on the server.

Everybody may receive them; no floor, no mute and no mode closes them. Nothing of them is saved:
they end with the server's process, and whoever made them brings others.
"""

from __future__ import annotations

from signaling.lesson.effects import MediaUnpublish, ProducerAdded, ProducerRemoved
from signaling.lesson.events import StreamAdded, StreamRemoved
from signaling.lesson.record import LessonRecord, LessonStream
from signaling.log import entries as log


class OwnStreams:
    """Changes the lesson's own streams in a record."""

    def __init__(self, record: LessonRecord) -> None:
        self._record = record

    def handle(self, event: StreamAdded | StreamRemoved, now: float) -> None:
        """One of them came or went."""
        match event:
            case StreamAdded():
                self._added(event, now)
            case StreamRemoved():
                self._removed(event, now)

    def _added(self, event: StreamAdded, now: float) -> None:
        """The media core is fed with it; from now on it may be wanted."""
        info = event.producer
        stream = LessonStream(info.producer_id, event.source, info.kind, info.codec, event.seat_id)
        self._record.streams[stream.producer_id] = stream
        self._write(log.StreamAdded, stream, now)
        if stream.seat_id is None:  # a seat's own mix is of use to that seat alone
            self._record.emit(ProducerAdded("", stream.source, stream.producer_id))

    def _removed(self, event: StreamRemoved, now: float) -> None:
        """It is over; fine when it is gone already."""
        stream = self._record.streams.pop(event.producer_id, None)
        if stream is not None:
            self._record.emit(MediaUnpublish(stream.producer_id))
            self._record.forget_producer(stream.producer_id)
            self._write(log.StreamRemoved, stream, now)
            if stream.seat_id is None:
                self._record.emit(ProducerRemoved(stream.producer_id))

    def _write(
        self, kind: type[log.StreamAdded | log.StreamRemoved], stream: LessonStream, now: float
    ) -> None:
        self._record.write(kind(at=now, source=stream.source, producer_id=stream.producer_id))
