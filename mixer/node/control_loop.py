"""What has to be done every so often for all of a lesson: measure, choose layers, tell.

Owns: when to look (`beats.py` says why so seldom), reading the pump's counters into producers and
lines, choosing every subscriber's layers anew when something has changed, who speaks, and what the
listener is told of demand and lines.

Leaves to `members.py`: who is there; to `mixer.forward`: what is decided. `due_at` says when it
wants to be called.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from mixer.forward.echo_path import FRAME_S
from mixer.forward.layers import Stream
from mixer.forward.speakers import ActiveSpeakers
from mixer.forward.speech import SpeechSpells, Spell
from mixer.model import Kind, MediaEvent, PictureFaultsChanged, SpeakersChanged, SpeechHeard
from mixer.node.beats import CALM_LOOK_S, LISTEN_S, LOOK_S, next_beat
from mixer.node.demand import Demand
from mixer.node.members import Members
from mixer.node.port import Port
from mixer.node.publication import Publication
from mixer.node.streams import Encoding, Producer
from mixer.node.subscription import Subscription
from mixer.pump import LayerTotals
from mixer.rtp.picture_format import read_picture_format

# A bitrate over a shorter time than this is that of one burst.
MEASURE_INTERVAL_S = 0.1
TOTALS_INTERVAL_S = 1.0
LINK_INTERVAL_S = 2 * TOTALS_INTERVAL_S


class ControlLoop:
    """One lesson's; call `handle_timer` and `handle_levels` when `due_at` has come."""

    def __init__(self, port: Port, members: Members, tell: Callable[[MediaEvent], None]) -> None:
        self._port = port
        self._members = members
        self._tell = tell
        self._speakers = ActiveSpeakers()
        self._speech = SpeechSpells()
        self._demand = Demand()
        self._reshaped = False  # the size of a layer's pictures has changed since they were chosen
        # Of each producer as last shared out: which layers sent, and whether one only began.
        self._alive: dict[str, tuple[tuple[bool, ...], bool]] = {}
        self.due_at = self._totals_at = self._link_at = next_beat(port.clock(), LOOK_S)

    # When

    def hurry(self) -> None:
        """Something has changed: look soon, however calm the lesson was."""
        soon = next_beat(self._port.clock(), LOOK_S)
        if soon < self.due_at:
            self.due_at = soon
            self._port.hurry(soon)

    def listen(self) -> None:
        """Somebody begins to speak: take the levels after a syllable."""
        self._port.hurry(self._port.clock() + LOOK_S)

    def handle_timer(self, now: float) -> None:
        """Estimates, layers, totals and links, once `due_at` has come; earlier calls do nothing."""
        if now < self.due_at:
            return
        self.due_at = next_beat(now, CALM_LOOK_S)
        for subscription in self._members.subscribers():
            subscription.consumers.handle_timer(now)
        for producer in self._members.producers.values():
            self.measure(producer, now)
        self._allocate_if_due(now)
        self._tell_demand(now)
        if now >= self._totals_at:
            self._totals_at = next_beat(now, TOTALS_INTERVAL_S)
            self._read_totals(now)
        if now >= self._link_at:
            self._link_at = next_beat(now, LINK_INTERVAL_S)
            self._tell_links(now)
        self.due_at = min(self.due_at, self._next_look(now))

    def _next_look(self, now: float) -> float:
        """Soon while a line moves or a layer begins, or when a layer may have ended."""
        begins = any(begins for _, begins in self._alive.values())
        if begins or not all(one.consumers.calm for one in self._members.subscribers()):
            return next_beat(now, LOOK_S)
        every = self._members.producers.values()
        ends = (encoding.meter.silent_at for one in every for encoding in one.every)
        return min((at for at in ends if at > now), default=math.inf)

    # Who speaks

    def handle_levels(self, levels: Sequence[tuple[Producer, int]], now: float) -> None:
        """Audio levels of this lesson's producers since the last time."""
        if not levels and self._speakers.nobody and not self._speech.is_busy:
            return
        before = self._speakers.heard
        self._speakers.handle_levels(
            [(producer.producer_id, level) for producer, level in levels if not producer.paused],
            now,
        )
        if not set(self._speakers.heard) <= set(before):
            self.allocate()  # on a line too weak for all sound a new voice is let through at once
        speakers = self._speakers.poll(now)
        if speakers is not None:
            self._tell(SpeakersChanged(speakers.levels))
        if not self._speakers.quiet or self._speech.is_busy:
            self._follow_speech(now)
            self._port.hurry(next_beat(now, LISTEN_S))

    def _follow_speech(self, now: float) -> None:
        """Of all open microphones, how loud they were lately: who has spoken when."""
        feeds = self._members.feeds
        opened = [
            one
            for name, one in self._members.producers.items()
            if one.kind is Kind.AUDIO and not one.paused and name not in feeds
        ]
        end, levels = self._port.pump.level_history([one.pump_id for one in opened])
        heard = {one.producer_id: its for one, its in zip(opened, levels, strict=True)}
        self._tell_spells(self._speech.hear(heard, end), now)

    def _tell_spells(self, spells: Sequence[Spell], now: float) -> None:
        for spell in spells:
            began_ago_s, ended_ago_s = now - spell.began * FRAME_S, now - spell.ended * FRAME_S
            self._tell(SpeechHeard(spell.producer_id, began_ago_s, ended_ago_s, spell.over))

    def unheard(self, producer_id: str) -> None:
        """Its microphone is being closed or opened, or is gone: what was heard is over, at once."""
        self._speakers.remove(producer_id)
        now = self._port.clock()
        if self._speech.is_busy:
            self._follow_speech(now)
        self._tell_spells(self._speech.remove(producer_id, int(now / FRAME_S)), now)

    # Layers

    def allocate(self) -> None:
        """Choose every subscriber's layers anew, and see soon what came of it."""
        now = self._port.clock()
        self._reshaped = False
        self._alive = self._alive_now(now)
        streams, speakers = self._streams(now), self._speakers.heard
        for subscription in self._members.subscriptions.values():
            subscription.allocate(now, streams, speakers)
        for tap in self._members.taps.values():
            tap.follow(now)
        self.hurry()

    def _allocate_if_due(self, now: float) -> None:
        """All anew when a layer began, ended or became another; else those whose line does not
        carry all."""
        subscriptions = self._members.subscriptions.values()
        if self._reshaped or self._alive_now(now) != self._alive:
            self.allocate()
        elif due := [one for one in subscriptions if one.allocation_due(now)]:
            self._reallocate(due, now)

    def _reallocate(self, due: list[Subscription], now: float) -> None:
        """Nothing but bitrates has changed: choose anew only where that changes the choice."""
        bitrates = {name: one.bitrates for name, one in self._members.producers.items()}
        if scarce := [one for one in due if not one.consumers.reprice(now, bitrates)]:
            streams, speakers = self._streams(now), self._speakers.heard
            for subscription in scarce:
                subscription.allocate(now, streams, speakers)

    def _alive_now(self, now: float) -> dict[str, tuple[tuple[bool, ...], bool]]:
        every = self._members.producers.items()
        return {name: (one.alive(now), one.begins(now)) for name, one in every}

    def _streams(self, now: float) -> dict[str, Stream]:
        return {name: one.stream(now) for name, one in self._members.producers.items()}

    # Measuring

    def measure(self, producer: Producer, now: float) -> None:
        """What has come of each of its layers since the last time."""
        for row in self._port.pump.layer_totals(producer.pump_id):
            encoding = producer.every[row.layer]
            if row.format_changes != encoding.format_changes:
                encoding.format_changes = row.format_changes
                self._read_format(producer, encoding, now)
            grown = row.bytes != encoding.bytes
            encoding.pace.update(now, longest_pause_s=row.longest_pause_ns * 1e-9, grown=grown)
            encoding.bytes = row.bytes
            encoding.steps_back.update(row.steps_back, now)
            if now - encoding.measured_at >= MEASURE_INTERVAL_S:
                self._measure_rate(encoding, row, now)
                encoding.measured_at = now
            if row.keyframes != encoding.keyframes:
                encoding.keyframes = row.keyframes
                self._port.keyframes.keyframe_arrived((producer.pump_id, row.layer))
        producer.take_pace()
        if (faults := producer.faults_now(now)) != producer.faults:
            producer.faults = faults
            self._tell(PictureFaultsChanged(producer.producer_id, producer.device_id, faults))

    @staticmethod
    def _measure_rate(encoding: Encoding, row: LayerTotals, now: float) -> None:
        """A group of pictures that is sent again says nothing of the rate. The live ones wait
        behind it: what comes next is for all that time.
        """
        heard_at = row.last_packet_ns * 1e-9
        if row.past_bytes != encoding.past_bytes:
            encoding.past_bytes = row.past_bytes
            encoding.meter.hear(heard_at)
        else:
            encoding.meter.update(row.bytes - row.past_bytes, now, heard_at=heard_at)

    def _read_format(self, producer: Producer, encoding: Encoding, now: float) -> None:
        """The pictures of a layer are of another size: it may be another layer by that."""
        data = self._port.pump.picture_format(producer.pump_id, encoding.slot)
        found = read_picture_format(producer.codec.name, data)
        if found == encoding.format:
            return
        encoding.format = found
        if producer.arrange(now):
            for subscription in self._members.subscriptions.values():
                subscription.consumers.layers_arranged(producer.wanted_as)
        self._reshaped = True
        self.hurry()

    def _read_totals(self, now: float) -> None:
        """Of all lines and streams at once: each call waits for the pump, and it for each call."""
        pump, subscribers = self._port.pump, self._members.subscribers()
        lines: list[Publication | Subscription] = [*self._members.publishers(), *subscribers]
        every = pump.totals([line.connection.transport_id for line in lines])
        for line, totals in zip(lines, every, strict=True):
            line.handle_totals(totals, now)
        consumers = [consumer for one in subscribers for consumer in one.consumers]
        sent = pump.consumer_bytes([consumer.pump_id for consumer in consumers])
        for consumer, total_bytes in zip(consumers, sent, strict=True):
            consumer.meter.update(total_bytes, now)
        for publication in self._members.publications.values():
            publication.connection.handle_timer(now)
        for subscription in self._members.subscriptions.values():
            subscription.connection.handle_timer(now)

    # Telling

    def _tell_demand(self, now: float) -> None:
        members = self._members
        for event in self._demand.poll(
            now, members.producers, members.subscriptions.values(), members.taps.values()
        ):
            self._tell(event)

    def _tell_links(self, now: float) -> None:
        for publication in self._members.publishers():
            self._tell(publication.measure(now))
        for subscription in self._members.subscribers():
            self._tell(subscription.consumers.measure(now))
