"""The recorder as what a tap feeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass

from mixer.model import TapInfo
from recorder import control as c


@dataclass(frozen=True, slots=True)
class RecorderSink:
    """One source of one recording (`server.children.tapping.Sink`)."""

    send: Callable[[c.Command], bool]
    _: KW_ONLY
    recording_id: str
    seat_id: str
    source: str
    producer_id: str

    def open(self, track_id: str, socket_path: str) -> None:
        """A track of its own: timestamps begin anew with every tap."""
        self.send(
            c.OpenTap(
                recording_id=self.recording_id,
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
        """The track is finished."""
        self.send(c.CloseTap(track_id=track_id))
