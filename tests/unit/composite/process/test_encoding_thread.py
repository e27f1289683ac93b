"""A canvas that is being encoded is not drawn on; what waits gives way, and nobody waits for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mixer.composite.process.encoding_thread import EncodingThread
from mixer.composite.process.feed_socket import FeedSocket
from mixer.composite.process.messages import Layer
from mixer.composite.process.picture_encoder import FrameBuffer, PictureEncoder
from mixer.composite.process.rtp_sender import RtpSender, StreamNames

LAYER = Layer(width=160, height=90, bitrate_bps=100_000)


class Gate:
    """Holds the encoder at its work, and tells what brightness it was given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)
        self.seen: list[int] = []

        def encode(_encoder: PictureEncoder, frame: Any, _now: float) -> bytes:
            self.begun.release()
            assert self.go_on.acquire(timeout=20)
            self.seen.append(bytes(frame.planes[0])[0])
            return b""

        monkeypatch.setattr(PictureEncoder, "encode", encode)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    return Gate(monkeypatch)


@pytest.fixture
def sent() -> list[tuple[float, ...]]:
    """When what each encoded picture brought anew had come."""
    return []


@pytest.fixture
def encoder(tmp_path: Path, gate: Gate, sent: list[tuple[float, ...]]) -> Iterator[EncodingThread]:
    made = EncodingThread(
        LAYER, 25, on_sent=lambda _, arrivals: sent.append(arrivals), on_broken=_fail
    )
    feed = FeedSocket(tmp_path / "feed")
    made.connect(feed, RtpSender(StreamNames(1, 96, 90_000, "c"), unix_offset_s=0.0))
    made.start()
    yield made
    gate.go_on.release(100)
    made.stop()
    feed.close()


def _fail(error: Exception) -> None:
    raise error


def offer(encoder: EncodingThread, buffer: FrameBuffer, value: int) -> None:
    buffer.canvas.y[:] = value
    encoder.offer(buffer, float(value), delay_s=0.0, arrivals=(float(value),))


def test_what_is_being_encoded_is_not_given_back(encoder: EncodingThread, gate: Gate) -> None:
    buffer = FrameBuffer(160, 90)
    assert encoder.give_back(buffer)
    offer(encoder, buffer, 50)
    assert gate.begun.acquire(timeout=20)
    assert not encoder.give_back(buffer)
    gate.go_on.release()
    other = FrameBuffer(160, 90)
    offer(encoder, other, 60)
    assert gate.begun.acquire(timeout=20)  # it has let go of the first
    assert encoder.give_back(buffer)
    gate.go_on.release()


def test_what_waits_is_withdrawn_and_its_arrivals_count_for_the_next(
    encoder: EncodingThread, gate: Gate, sent: list[tuple[float, ...]]
) -> None:
    buffers = [FrameBuffer(160, 90) for _ in range(2)]
    offer(encoder, buffers[0], 50)
    assert gate.begun.acquire(timeout=20)
    offer(encoder, buffers[1], 60)  # it waits
    assert encoder.give_back(buffers[1])
    offer(encoder, buffers[1], 70)
    gate.go_on.release(2)
    assert gate.begun.acquire(timeout=20)
    encoder.stop()
    assert gate.seen == [50, 70]
    assert sent == [(50.0,), (60.0, 70.0)]
    assert encoder.skipped_frames == 1


def test_a_smaller_layer_is_scaled_into_a_buffer_of_its_own(
    encoder: EncodingThread, gate: Gate
) -> None:
    large = FrameBuffer(320, 180)
    offer(encoder, large, 50)
    assert gate.begun.acquire(timeout=20)
    assert encoder.give_back(large), "nobody reads the large one"
    large.canvas.y[:] = 200
    gate.go_on.release()
    encoder.stop()
    assert gate.seen == [50]


def test_who_rests_takes_nothing_and_then_wants_a_keyframe(
    encoder: EncodingThread, gate: Gate
) -> None:
    encoder.rest(resting=True)
    assert not encoder.keyframe_is_due
    offer(encoder, FrameBuffer(160, 90), 50)
    encoder.rest(resting=False)
    assert encoder.keyframe_is_due
    offer(encoder, FrameBuffer(160, 90), 60)
    assert gate.begun.acquire(timeout=20)
    gate.go_on.release()
    encoder.stop()
    assert gate.seen == [60]
