"""A feed's socket against a media core that reads, one that does not, and one that is gone."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import pytest

from mixer.composite.process.feed_socket import MOST_KEPT, FeedSocket
from mixer.rtp.feedback import Fir, Pli
from mixer.rtp.rtcp import serialize_compound

KEYFRAME = [bytes([number]) * 1200 for number in range(100)]


@pytest.fixture
def core(tmp_path: Path) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    made.bind(str(tmp_path / "core"))
    made.settimeout(10)
    return made


@pytest.fixture
def feed(tmp_path: Path, core: socket.socket) -> FeedSocket:
    made = FeedSocket(tmp_path / "feed")
    made.connect(str(tmp_path / "core"))
    return made


def test_a_keyframe_of_a_hundred_packets_waits_for_room(
    feed: FeedSocket, core: socket.socket
) -> None:
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.extend(core.recv(2000) for _ in KEYFRAME))
    reader.start()
    assert feed.send_all(KEYFRAME)
    reader.join()
    assert received == KEYFRAME
    assert feed.dropped_datagrams == 0
    feed.close()
    core.close()


def test_who_does_not_read_costs_one_wait_and_no_memory(
    feed: FeedSocket, core: socket.socket
) -> None:
    began = time.monotonic()
    assert not feed.send_all(KEYFRAME)
    assert time.monotonic() - began < 5  # one wait, not one for each packet
    fitted = len(KEYFRAME) - feed.dropped_datagrams
    core.setblocking(False)
    assert [core.recv(2000) for _ in range(fitted)] == KEYFRAME[:fitted]
    with pytest.raises(BlockingIOError):
        core.recv(2000)
    feed.close()
    core.close()


def test_sound_is_kept_for_a_while_in_order_and_then_dropped(
    feed: FeedSocket, core: socket.socket
) -> None:
    for data in KEYFRAME:
        feed.send_or_keep([data])
    core.setblocking(False)
    first = []
    while True:
        try:
            first.append(core.recv(2000))
        except BlockingIOError:
            break
    assert first == KEYFRAME[: len(first)]
    assert feed.dropped_datagrams == len(KEYFRAME) - len(first) - MOST_KEPT
    feed.send_or_keep([])
    assert core.recv(2000) == KEYFRAME[-MOST_KEPT]
    feed.close()
    core.close()


def test_a_core_that_is_gone_raises_nothing(feed: FeedSocket, core: socket.socket) -> None:
    core.close()
    assert not feed.send_all(KEYFRAME)
    feed.send_or_keep(KEYFRAME[:1])
    assert feed.wanted_keyframes() == set()
    feed.close()
    assert not feed.send_all(KEYFRAME)  # an encoder that was in the middle of it


def test_keyframes_are_asked_for_by_pli_and_fir_and_garbage_asks_for_nothing(
    feed: FeedSocket, core: socket.socket
) -> None:
    asked = (b"", b"\x80", b"\x81\xce\0\x09garbage!", serialize_compound([Pli(1, 7)]))
    for data in (*asked, serialize_compound([Fir(1, ((8, 1), (9, 1)))])):
        core.sendto(data, str(feed.path))
    assert feed.wanted_keyframes() == {7, 8, 9}
    assert feed.wanted_keyframes() == set()
    feed.close()
    core.close()


def test_a_sound_that_found_no_room_goes_when_there_is_some(
    feed: FeedSocket, core: socket.socket
) -> None:
    sounds = [bytes([number]) * 100 for number in range(MOST_KEPT)]
    core.setblocking(False)
    taken = []
    feed.send_or_keep(sounds)
    while feed.keeps:
        taken.append(core.recv(2000))
        feed.send_or_keep()
    while len(taken) < len(sounds):
        taken.append(core.recv(2000))
    assert taken == sounds
    assert feed.dropped_datagrams == 0
    feed.close()
    core.close()
