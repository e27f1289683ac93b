"""What a simulated seat's sender reports say: when a picture was seen and a sound was said.

aiortc reports when a packet *left*, so what drawing and encoding took would count as time between
sound and picture (12 to 83 ms on a busy machine): every receiver that puts them in step by their
reports, a recorder or a browser, would play the sound that much too early. A device reports capture
times (RFC 3550 §6.4.1: the timestamp corresponds to the same time as the NTP timestamp).

Pinned by `tests/contract/test_aiortc_sender.py`.
"""

from __future__ import annotations

from typing import Any, Protocol

from aiortc import RTCRtpSender

from mixer.rtp.sequence import ntp_from_unix_ns


class CapturingTrack(Protocol):
    """A track that knows when what it gave last was captured (Unix time)."""

    captured_at: float


def report_captures(sender: RTCRtpSender, track: CapturingTrack) -> None:
    """Let the sender's reports name the capture of what it has sent last, not its leaving."""
    inner = sender._next_encoded_frame
    hook: Any = sender  # instance attributes in place of what aiortc has, on purpose
    sent_at = 0.0

    async def next_encoded_frame(codec: Any) -> Any:
        # All packets of the frame before have left: aiortc has just noted when.
        nonlocal sent_at
        if sent_at:
            hook._RTCRtpSender__ntp_timestamp = ntp_from_unix_ns(round(sent_at * 1e9))
        frame = await inner(codec)
        if frame is not None:
            sent_at = track.captured_at
        return frame

    hook._next_encoded_frame = next_encoded_frame
