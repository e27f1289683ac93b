"""One lesson's media: what is reported of its members, and what that means for the others.

    LessonMedia ─┬─ Members ───── who sends and who receives, the limits
                 └─ ControlLoop ─ what is done every so often for all of it

Owns: the way of every report of a connection, a producer or the pump to whom it concerns, and
telling the one listener what happened.

Leaves to `media_node.py`: which lessons there are.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from mixer.forward.allocation import Choice
from mixer.model import (
    ConsumerChanged,
    Direction,
    LinkState,
    MediaEvent,
    NodeLimits,
    ProducerLive,
    TransportChanged,
)
from mixer.node.control_loop import ControlLoop
from mixer.node.members import Members
from mixer.node.port import Port
from mixer.node.senders import Sender
from mixer.node.streams import Producer
from mixer.transport.dtls import DtlsCertificate

log = logging.getLogger(__name__)


class LessonMedia:
    """The media of one lesson on one port. `close` it."""

    def __init__(
        self,
        lesson_id: str,
        port: Port,
        certificate: DtlsCertificate,
        limits: NodeLimits,
        listener: Callable[[MediaEvent], None],
    ) -> None:
        self.lesson_id = lesson_id
        self.port = port
        self.members = Members(self, port, certificate, limits)
        self.control = ControlLoop(port, self.members, self.tell)
        self._listener = listener
        self._closed = False

    async def close(self) -> None:
        """End everything; nothing more is told."""
        self._closed = True
        await self.members.close()

    def tell(self, event: MediaEvent) -> None:
        """Tell the listener; what goes wrong in it must not stop the media."""
        if self._closed:
            return
        try:
            self._listener(event)
        except Exception:  # what it would be told next is not lost for that
            log.exception("the listener of lesson %s failed on %s", self.lesson_id, event)

    # Producers

    def producer(self, producer_id: str) -> Producer | None:
        """A producer of this lesson."""
        return self.members.producers.get(producer_id)

    def producer_added(self, producer: Producer, sender: Sender) -> None:
        """A sender has begun another one."""
        self.members.add_producer(producer, sender)
        self.hurry()

    def producer_removed(self, producer: Producer) -> None:
        """Its sender drops a producer."""
        self.members.remove_producer(producer)
        self.control.unheard(producer.producer_id)
        self.hurry()

    def set_producer_paused(self, producer_id: str, paused: bool) -> None:
        """Stop or resume forwarding at once; raises `ProducerUnknown`."""
        producer = self.members.known(producer_id)
        if producer.paused != paused:
            self.control.unheard(producer_id)
            producer.paused = paused
            self.port.pump.set_producer_paused(producer.pump_id, paused)
            self.allocate()

    def first_packet(self, producer: Producer) -> None:
        """Media of a layer has begun, or begun again."""
        self.control.measure(producer, self.port.clock())
        if not producer.live:
            producer.live = True
            self.tell(ProducerLive(producer.producer_id, producer.device_id))
        self.allocate()

    def listen(self) -> None:
        """Somebody begins to speak."""
        self.control.listen()

    # Keyframes

    def ask_keyframe(self, producer: Producer, slot: int) -> None:
        """Somebody needs a keyframe; the sender is asked, but not too often."""
        now = self.port.clock()
        self.control.measure(producer, now)  # a keyframe that came before is no answer
        self.port.keyframes.request((producer.pump_id, slot), now)
        self.port.ask_due_keyframes()

    def look_for_keyframes(self, producer: Producer) -> None:
        """A request is about to be repeated: has its answer come?"""
        self.control.measure(producer, self.port.clock())

    def send_keyframe_request(self, producer: Producer, slot: int) -> None:
        """It is time to ask."""
        sender = self.members.sender_of(producer)
        if sender is not None and not producer.paused:
            sender.ask_keyframe(producer, slot)

    # Receivers and lines

    def choice_changed(self, device_id: str, choice: Choice) -> None:
        """A device gets another layer, or nothing."""
        self.tell(ConsumerChanged(device_id, choice.producer_id, choice.layer, choice.reason))

    def link_changed(self, device_id: str, direction: Direction, state: LinkState) -> None:
        """A device's transport changed."""
        self.tell(TransportChanged(device_id, direction, state))
        if state is LinkState.CONNECTED:
            self.allocate()

    def allocate(self) -> None:
        """Who receives, or what there is to receive, has changed."""
        self.control.allocate()

    def hurry(self) -> None:
        """Something has changed: look soon."""
        self.control.hurry()
