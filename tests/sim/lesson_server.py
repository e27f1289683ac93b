"""A server in virtual time: the real lesson rules, a model of their media.

`Server` runs a real `Lesson` on the network model's clock, forwards packets as the media core would
(real `Allocator`, no bytes), and reports speakers, layers and lines. Its rooms are `classroom`'s.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, cast

from mixer.forward.allocation import Allocator
from mixer.forward.echo_path import FRAME_S, FRAMES
from mixer.forward.layers import Layer, Stream
from mixer.forward.speech import SpeechSpells, Spell
from mixer.model import (
    ConsumerChanged,
    Direction,
    Kind,
    LinkMeasured,
    LinkState,
    ProducerLive,
    SpeakersChanged,
    SpeechHeard,
    TransportChanged,
    Want,
)
from signaling.lesson import Lesson
from signaling.lesson import effects as f
from signaling.lesson import events as e
from signaling.log.entries import as_members
from signaling.ports import SignalingSettings
from signaling.protocol import messages as m
from signaling.protocol.messages import CloseCode, Mode, Source
from tests.sim.network import Clock
from tests.sim.wires import Link, Wire
from tests.unit.signaling.media_model import MediaModel, call_media
from tests.unit.signaling.sample_lesson import LESSON, identity, plan

if TYPE_CHECKING:
    from tests.sim.classroom import Room

SETTINGS = SignalingSettings()
LAYERS = (
    Layer(155_000, width=320, height=180),
    Layer(515_000, width=640, height=360),
    Layer(1_550_000, width=1280, height=720),
)
SOUND = (Layer(32_000),)
AMPLE_BPS = 20_000_000
SPOKEN_S = 0.02  # a level tells of so much sound


class Server:
    """The lesson, its media model and what the media core would report."""

    def __init__(self, clock: Clock, mode: Mode) -> None:
        self.clock = clock
        self.plan = plan(mode)
        self.lesson = Lesson(self.plan, SETTINGS, clock.now)
        self.media = MediaModel()
        self.rooms: dict[str, Room] = {}
        self.links: dict[int, tuple[Link, Room]] = {}
        self.journal: list[dict[str, object]] = []
        self.closed: f.CloseLesson | None = None
        self.saved = self.lesson.save()
        self.down = False
        self.talking: set[str] = set()  # seats in whose rooms somebody talks now
        self.leaks: list[str] = []  # packets of rooms that may not be heard
        self._numbers = itertools.count(1)
        self._allocators: dict[str, Allocator] = {}
        # What was shared last, by device: while the line carries all of it, it stays.
        self._shared: dict[str, tuple[tuple[Want, ...], dict[str, bool]]] = {}
        self._layers: dict[tuple[str, str], int] = {}
        self._live: set[str] = set()
        self._measured: dict[str, tuple[int, int]] = {}
        self._speech = SpeechSpells()
        self._levels: dict[str, dict[int, int]] = {}  # −dBov of each frame, by producer
        self._view: tuple[m.LessonState, list[m.SeatState]] | None = None  # until it changes
        clock.every(0.5, self._allocate)
        clock.every(0.3, self._tell_speakers)
        clock.every(0.5, self._hear_speech)
        clock.every(2.0, self._measure)
        clock.every(1.0, self._notice_silence)

    # --- connections --------------------------------------------------------------------------

    def accept(self, room: Room) -> Link:
        """A room's new connection; what it sends arrives later."""
        number = next(self._numbers)
        link = Link(
            number,
            Wire(self.clock, room.up, lambda message: self._received(number, message)),
            Wire(self.clock, room.down, lambda message: room.received(number, message)),
            self.clock.now,
        )
        self.links[number] = (link, room)
        return link

    def _received(self, number: int, message: object) -> None:
        if self.down or number not in self.links:
            return
        link, room = self.links[number]
        link.heard_at = self.clock.now
        if isinstance(message, m.Join):
            self.feed(
                e.JoinRequested(
                    connection=number,
                    identity=identity(room.seat),
                    join=message,
                    device_id=f"device-{number}",
                    resume=f"{LESSON}~{number}",
                )
            )
        else:
            self.feed(e.RequestReceived(number, cast("m.ClientMessage", message)))

    def _notice_silence(self) -> None:
        for number, (link, _room) in list(self.links.items()):
            if not self.down and self.clock.now - link.heard_at > SETTINGS.silent_socket_s:
                self._close(number, CloseCode.SILENT)
                self.feed(e.ConnectionLost(number))

    def _close(self, number: int, code: CloseCode) -> None:
        pair = self.links.pop(number, None)
        if pair is not None:
            pair[0].up.closed = True
            pair[0].down.send(code)

    # --- the lesson ---------------------------------------------------------------------------

    def feed(self, event: e.Event) -> None:
        self.carry_out(self.lesson.handle(event, self.clock.now))

    def carry_out(self, effects: list[f.Effect]) -> None:
        for effect in effects:
            match effect:
                case f.Send():
                    for number in effect.connections:
                        self.links[number][0].down.send(effect.message)
                case f.CloseConnection():
                    self._close(effect.connection, effect.code)
                case f.WriteJournal():
                    self.journal.append(as_members(effect.entry))
                case f.Save() | f.KeepBars():
                    self.saved = self.lesson.save()
                    self._view = None  # what is shown has not changed without a `Save`
                case f.CloseLesson():
                    self.closed = effect
                case f.ProducerAdded() | f.ProducerRemoved():
                    pass
                case _:
                    if isinstance(effect, f.MediaPause):
                        self._hear_speech()
                        self._tell(self._speech.remove(effect.producer_id, self._frame()))
                    answer = call_media(self.media, effect)
                    if answer is not None:
                        self.feed(answer)
        due = self.lesson.next_timer()
        if due is not None:
            self.clock.at(due, self._tick)

    def _tick(self) -> None:
        due = self.lesson.next_timer()
        if not self.down and due is not None and due <= self.clock.now:
            self.carry_out(self.lesson.handle_timer(self.clock.now))

    def kill(self, for_s: float) -> None:
        """SIGKILL now; started again after so long from what was saved."""
        self.down = True
        for link, _room in self.links.values():
            link.drop()
        self.links.clear()
        self.media = MediaModel(next(self.media.numbers))
        self._speech = SpeechSpells()
        self._levels.clear()
        self._allocators.clear()
        self._shared.clear()
        self._layers.clear()
        self.clock.after(for_s, self._start)

    def _start(self) -> None:
        self.down = False
        self._view = None
        self.lesson, effects = Lesson.restore(self.plan, SETTINGS, self.saved, self.clock.now)
        self.carry_out(effects)

    # --- media --------------------------------------------------------------------------------

    def packet(self, producer_id: str, levels: Sequence[float] = ()) -> None:
        """A packet of sound has come: to all who want it and are let to hear it."""
        producer = self.media.producers.get(producer_id)
        if self.down or producer is None:
            return
        self._keep_levels(producer_id, levels)
        if producer_id not in self._live:
            self._live.add(producer_id)
            self.feed(e.MediaReported(ProducerLive(producer_id, producer.device_id)))
        if self.media.paused[producer_id]:
            return
        state, seats = self.view()
        seat = next(s for s in seats if self._sends(s, producer_id))
        if seat.role == "room" and state.mode is Mode.DELIVERY and state.floor != seat.seat_id:
            self.leaks.append(seat.seat_id)
        for room in self.rooms.values():
            device = self.media.devices.get(room.device_id)
            wanted = device is not None and any(
                want.producer_id == producer_id for want in device.wants
            )
            if wanted and self._layers.get((room.device_id, producer_id), 0) >= 0:
                speaker = seat.seat_id
                room.down.send(120, partial(room.hear, speaker, levels))

    def view(self) -> tuple[m.LessonState, list[m.SeatState]]:
        """What everybody is shown; asked at each packet, made anew after a change."""
        if self._view is None:
            self._view = self.lesson.view()
        return self._view

    def seats(self) -> dict[str, m.SeatState]:
        return {seat.seat_id: seat for seat in self.view()[1]}

    @staticmethod
    def _sends(seat: m.SeatState, producer_id: str) -> bool:
        return any(source.producer_id == producer_id for source in seat.sources)

    def _streams(self) -> dict[str, Stream]:
        return {
            p.producer_id: Stream(
                p.producer_id,
                p.kind,
                SOUND if p.kind is Kind.AUDIO else LAYERS,
                paused=self.media.paused[p.producer_id],
            )
            for p in self.media.producers.values()
        }

    def _allocate(self) -> None:
        streams = self._streams()
        bitrates = {
            name: [layer.bitrate_bps for layer in stream.layers] for name, stream in streams.items()
        }
        for room in self.rooms.values():
            device = self.media.devices.get(room.device_id)
            if self.down or device is None:
                continue
            allocator = self._allocators.setdefault(room.device_id, Allocator())
            rate = room.down.rate_bps
            available_bps = AMPLE_BPS if rate is None else int(rate * 0.9)
            asked = (device.wants, dict(self.media.paused))
            if self._shared.get(room.device_id) == asked and allocator.reprice(
                available_bps=available_bps, bitrates=bitrates
            ):
                continue  # as `mixer.node.consumers` does
            self._shared[room.device_id] = asked
            allocation = allocator.allocate(
                self.clock.now,
                available_bps=available_bps,
                wants=device.wants,
                streams=streams,
            )
            for choice in allocation.choices:
                key = (room.device_id, choice.producer_id)
                if self._layers.get(key) != choice.layer:
                    self._layers[key] = choice.layer
                    self.feed(e.MediaReported(ConsumerChanged(*key, choice.layer, choice.reason)))

    def _tell_speakers(self) -> None:
        if self.down:
            return
        levels = [
            (source.producer_id, -20)
            for seat in self.seats().values()
            for source in seat.sources
            if source.source is Source.ROOM
            and seat.seat_id in self.talking
            and not self.media.paused.get(source.producer_id, True)
        ]
        self.feed(e.MediaReported(SpeakersChanged(tuple(levels))))

    def _frame(self) -> int:
        return int(self.clock.now / FRAME_S)

    def _keep_levels(self, producer_id: str, levels: Sequence[float]) -> None:
        """A packet that stands for five: the others came before it."""
        kept = self._levels.setdefault(producer_id, {})
        for before, dbov in enumerate(reversed(levels)):
            frame = int((self.clock.now - before * SPOKEN_S) / FRAME_S)
            kept[frame] = min(max(0, round(-dbov)), kept.get(frame, 127))
            kept.pop(frame - FRAMES, None)

    def _hear_speech(self) -> None:
        """As a node does, from what its pump keeps."""
        end = self._frame()
        opened = {name: self._levels.get(name, {}) for name in self.media.heard()}
        heard = any(min(levels.values(), default=127) < 127 for levels in opened.values())
        if not self.down and (heard or self._speech.is_busy):
            frames = range(end - FRAMES, end)
            levels = {
                name: bytes(levels.get(frame, 127) for frame in frames)
                for name, levels in opened.items()
            }
            self._tell(self._speech.hear(levels, end))

    def _tell(self, spells: list[Spell]) -> None:
        for spell in spells:
            began, ended = (self.clock.now - at * FRAME_S for at in (spell.began, spell.ended))
            heard = SpeechHeard(spell.producer_id, began, ended, spell.over)
            self.feed(e.MediaReported(heard))

    def _measure(self) -> None:
        for room in self.rooms.values():
            if self.down or room.device_id not in self.media.devices:
                continue
            sent, lost = room.down.sent, room.down.lost
            before_sent, before_lost = self._measured.get(room.seat, (0, 0))
            self._measured[room.seat] = (sent, lost)
            cut = room.down.rate_bps == 0
            state = LinkState.LOST if cut else LinkState.CONNECTED
            changed = TransportChanged(room.device_id, Direction.SUBSCRIBE, state)
            self.feed(e.MediaReported(changed))
            loss = (lost - before_lost) / max(1, sent - before_sent)
            available = AMPLE_BPS if room.down.rate_bps is None else int(room.down.rate_bps * 0.9)
            if not cut:
                measured = LinkMeasured(
                    room.device_id, Direction.SUBSCRIBE, loss, 60, 500_000, available
                )
                self.feed(e.MediaReported(measured))
