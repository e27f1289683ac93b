"""The way of a feed's datagrams to the media core: in order, a group in its time."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

from server.encoders.feed_out import FeedOut


async def test_a_picture_leaves_at_once_and_a_group_leaves_room_for_others(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as media:
        media.bind(str(tmp_path / "media"))
        media.setblocking(False)
        out = FeedOut(tmp_path / "feed", on_keyframe_wanted=lambda _: None)
        loop = asyncio.get_running_loop()
        try:
            out.connect(str(tmp_path / "media"))
            for count, least_s in ((60, 0.0), (400, 0.1)):
                sent = [number.to_bytes(2) for number in range(count)]
                began = loop.time()
                out.put(sent)
                assert out.is_behind is (count > 100)
                got = [await loop.sock_recv(media, 16) for _ in sent]
                assert got == sent
                assert loop.time() - began >= least_s  # 12 pauses and more of 15 ms
                assert not out.is_behind and not out.dropped
        finally:
            await out.close()
