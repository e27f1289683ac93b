"""GStreamer's webrtcbin as a WHIP encoder with a source key: a real server, and a second client
that decodes what rooms get. (FFmpeg's muxer: `tests/browser/test_source_keys.py`.)
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.rooms.contenders import DEBIAN_PYTHON, contenders
from tests.browser.county import ADMINISTRATOR, ROOMS, County, client, post
from tests.browser.server_process import ServerProcess
from tests.lesson_watcher import PATIENCE_S, hears, shows, watching
from tests.real_encoders import need_encoders, sending, voice_file

MARK = 5
_GSTREAMER = contenders()[2]


@pytest.fixture
def county(tmp_path: Path) -> Iterator[County]:
    server = ServerProcess(
        tmp_path / "data", settings={"TONGKE_PLAIN_HTTP": "true", "TONGKE_HOST": "127.0.0.1"}
    )
    server.start()
    county = County.founded(server.origin, server.setup_key, "recording-room")
    yield county
    county.teacher.close()
    assert server.stop() == 0


def source_key(county: County) -> tuple[str, str]:
    """Where the board of the first room is sent to, and its key."""
    with client(county.origin) as admin:
        post(admin, "/api/session", **ADMINISTRATOR)
        path = f"/api/classrooms/{county.room_ids[ROOMS[0]]}/source_keys"
        made = post(admin, path, label="box", source="board", way="whip")
    return made["address"], made["secret"]


@pytest.mark.skipif(bool(_GSTREAMER.missing), reason=_GSTREAMER.missing)
async def test_gstreamers_webrtcbin_with_a_source_key(
    county: County, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_encoders()
    address, key = source_key(county)
    voice = str(voice_file(tmp_path, MARK))
    command = [DEBIAN_PYTHON, "-m", "tests.gst_whip_encoder", address, voice]
    lesson_id = await asyncio.to_thread(lambda: county.lesson_now(mode="research"))
    monkeypatch.setitem(os.environ, "WHIP_TOKEN", key[:-1] + "x")
    with sending(command, MARK) as stranger:
        assert await asyncio.to_thread(stranger.wait, PATIENCE_S) == 3
    monkeypatch.setitem(os.environ, "WHIP_TOKEN", key)
    with sending(command, MARK):
        async with watching(county, lesson_id) as observer:
            seen = await shows(observer, MARK)
            assert (seen.source, seen.unreadable) == ("board", 0)
            heard = await hears(observer, MARK)
            assert heard.source == "room" and heard.seat_id == seen.seat_id
