"""A lesson's compositor as what a tap feeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass

from mixer.composite.process import messages as c
from mixer.model import TapInfo


@dataclass(frozen=True, slots=True)
class CompositorSink:
    """One source of one lesson (`server.children.tapping.Sink`)."""

    send: Callable[[c.Command], bool]
    _: KW_ONLY
    seat_id: str
    source: str
    producer_id: str

    def open(self, track_id: str, socket_path: str) -> None:
        """Timestamps begin anew with every tap, so it is another track each time."""
        self.send(
            c.OpenTap(
                track_id=track_id,
                socket_path=socket_path,
                seat_id=self.seat_id,
                source=self.source,
                producer_id=self.producer_id,
            )
        )

    def start(self, track_id: str, info: TapInfo) -> None:
        """What comes is named."""
        self.send(
            c.StartTap(
                track_id=track_id,
                device_id=info.device_id,
                kind=info.kind.value,
                codec=info.codec,
                payload_type=info.payload_type,
                clock_rate=info.clock_rate,
                channels=info.channels,
                ssrc=info.ssrc,
                fmtp=info.fmtp,
                feedback_path=info.feedback_path,
            )
        )

    def close(self, track_id: str) -> None:
        """Nothing more comes."""
        self.send(c.CloseTap(track_id=track_id))
