"""Taps: a producer's media as plain RTP in Unix datagrams, for the recorder and the mixer.

Owns: one plain transport and one consumer per tap, at the layer for the size its reader wants (the
best that sends for who wants everything), and the reader's keyframe requests. Sender reports, which
let the reader put sound and picture in step, are the pump's.

Leaves to the reader: opening its socket first, reading fast enough (a full socket is a counted
drop in the pump, never a wait).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from mixer.errors import TapRefused
from mixer.forward.layers import layer_for_tile
from mixer.model import Kind, LayerBeside, TapInfo, TapWant, Want
from mixer.node.local_sockets import AUDIO_LEVEL_ID, fault_of
from mixer.node.port import Port
from mixer.node.publication import CNAME
from mixer.node.streams import Consumer, Producer
from mixer.rtp.errors import MalformedPacketError
from mixer.rtp.feedback import Fir, Pli
from mixer.rtp.rtcp import parse_compound


@dataclass(slots=True)
class Tap:
    """One tap as the node keeps it. `consumer` is None when its producer is gone.

    `want` is the size in which its reader shows the picture; None: it wants everything; or what it
    takes beside one that does.
    """

    info: TapInfo
    transport_id: int
    consumer: Consumer | None
    port: Port
    ask_keyframe: Callable[[Producer, int], None]
    want: TapWant

    @property
    def demand(self) -> tuple[Want, ...]:
        """What it wants, as a device would say it; nothing when it wants everything, or what
        comes anyway."""
        if self.want is None or isinstance(self.want, LayerBeside):
            return ()
        return (Want(self.info.producer_id, self.want.width, self.want.height),)

    def handle_rtcp(self, data: bytes, arrival_ns: int) -> None:
        """The reader asks for a keyframe (PLI or FIR); all else it may say is passed over."""
        try:
            packets = parse_compound(data)
        except MalformedPacketError:
            return
        if self.consumer is not None and any(isinstance(p, Pli | Fir) for p in packets):
            encoding = self.consumer.encoding or self.consumer.producer.encodings[0]
            self.ask_keyframe(self.consumer.producer, encoding.slot)

    def follow(self, now: float) -> None:
        """Take the best layer that sends now; a silent producer keeps the layer it had."""
        if self.consumer is None:
            return
        layers = self.consumer.producer.encodings
        if isinstance(self.want, LayerBeside):
            self._follow_beside(self.want, self.consumer, now)
            return
        rungs = self._rungs(self.consumer.producer, now)
        encoding = layers[rungs[-1]] if rungs else self.consumer.encoding or layers[0]
        if encoding is not self.consumer.encoding:
            self.consumer.encoding = encoding
            self.port.pump.set_consumer_layer(self.consumer.pump_id, encoding.slot)

    def _follow_beside(self, want: LayerBeside, consumer: Consumer, now: float) -> None:
        """Take the layer for its size while there is a better one, which another tap has."""
        stream = consumer.producer.stream(now)
        live = stream.live_layers
        target = layer_for_tile(stream.layers, want.width, want.height)
        below = [layer for layer in live[:-1] if layer <= target] or list(live[:-1][:1])
        encoding = consumer.producer.encodings[below[-1]] if below else None
        if encoding is not consumer.encoding:
            consumer.encoding = encoding
            slot = -1 if encoding is None else encoding.slot
            self.port.pump.set_consumer_layer(consumer.pump_id, slot)

    def _rungs(self, producer: Producer, now: float) -> tuple[int, ...]:
        """The layers that send, up to the wanted one; the smallest if all are larger."""
        stream = producer.stream(now)
        live = stream.live_layers
        if self.want is None or isinstance(self.want, LayerBeside):
            return live
        target = layer_for_tile(stream.layers, self.want.width, self.want.height)
        return tuple(layer for layer in live if layer <= target) or live[:1]

    def producer_removed(self) -> None:
        """The producer is gone; the tap stays, silent, until it is closed."""
        if self.consumer is not None:
            self.port.remove_consumer(self.consumer)
            self.consumer = None

    def close(self) -> None:
        """Take it out of the pump."""
        self.producer_removed()
        self.port.detach_local(self.transport_id)
        self.port.pump.remove_transport(self.transport_id)


def open_tap(
    port: Port,
    producer: Producer,
    socket_path: str,
    *,
    now: float,
    want: TapWant,
    from_past: bool,
    ask_keyframe: Callable[[Producer, int], None],
) -> Tap:
    """Send this producer to the Unix datagram socket at `socket_path`; raises `TapRefused`.

    A picture comes at about the size of `want`, or at its best. With `from_past` it begins with the
    last keyframe that came, if the pump still has it.
    """
    if fault := fault_of(socket_path):
        raise TapRefused(fault)
    transport_id = port.pump.add_plain_transport(socket_path)
    codec = producer.codec
    # A reader need not decode what says of itself that it is quiet.
    audio_level_id = AUDIO_LEVEL_ID if producer.kind is Kind.AUDIO else 0
    if audio_level_id:
        port.pump.set_extensions(transport_id, audio_level=audio_level_id)
    ssrc = port.ssrcs.next()
    pump_id = port.pump.add_consumer(
        producer.pump_id,
        transport_id,
        ssrc=ssrc,
        payload_type=codec.payload_type,
        cname=CNAME,
        from_past=from_past,
    )
    consumer = Consumer(producer, pump_id, ssrc, "")
    port.add_consumer(consumer)
    info = TapInfo(
        tap_id=f"t{secrets.token_hex(6)}",
        producer_id=producer.producer_id,
        kind=producer.kind,
        codec=codec.name,
        payload_type=codec.payload_type,
        clock_rate=codec.clock_rate,
        channels=codec.channels,
        ssrc=ssrc,
        fmtp=codec.fmtp,
        device_id=producer.device_id,
        feedback_path=port.plain_path,
        audio_level_id=audio_level_id,
    )
    tap = Tap(info, transport_id, consumer, port, ask_keyframe, want)
    port.attach_local(transport_id, tap)
    tap.follow(now)
    return tap
