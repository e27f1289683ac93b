"""Putting a lesson's program out: who is let in, what is told, and what is kept secret."""

from __future__ import annotations

import pytest

from server.broadcasts.targets import push_target
from server.broadcasts.watch_keys import Watcher, WatchKeys
from server.errors import Refusal

ALLOWED = ("live.example.cn", "10.0.0.9", "fd00::9")


def test_a_key_opens_what_it_was_made_for_and_nothing_else() -> None:
    keys = WatchKeys(b"k" * 32)
    watcher = Watcher("lesson1", "person:7")
    key = keys.issue(watcher)
    assert keys.read(key) == watcher
    assert WatchKeys(b"k" * 32).read(key) == watcher, "after a restart it is as good"
    assert WatchKeys(b"l" * 32).read(key) is None, "of another server"
    other = keys.issue(Watcher("lesson2", "person:7"))
    forged = f"{other.partition('.')[0]}.{key.partition('.')[2]}"
    wrong = ["", ".", "x", key[:-1], key + "A", key.replace(".", ""), forged, "é." + key, "a" * 999]
    assert [keys.read(one) for one in wrong] == [None] * len(wrong)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtmp://live.example.cn/live/KEY", "rtmp://live.example.cn:1935/live/…"),
        ("rtmp://u:KEY@live.example.cn:19350/a/b/KEY?k=KEY", "rtmp://live.example.cn:19350/a/b/…"),
        ("rtmps://live.example.cn/app/KEY", "rtmps://live.example.cn:443/app/…"),
        ("rtmp://live.example.cn/app/KEY/", "rtmp://live.example.cn:1935/app/…"),
        ("rtmp://live.example.cn/app//KEY//?k=v", "rtmp://live.example.cn:1935/app/…"),
        ("rtmp://live.example.cn/app;KEY=KEY/KEY", "rtmp://live.example.cn:1935/app/…"),
        ("rtmp://live.example.cn//", "rtmp://live.example.cn:1935/…"),
        ("srt://10.0.0.9:9000?streamid=KEY&passphrase=KEYKEYKEYK", "srt://10.0.0.9:9000"),
        ("srt://[fd00::9]:9000", "srt://[fd00::9]:9000"),
    ],
)
def test_a_target_is_shown_without_its_secret(address: str, shown: str) -> None:
    target = push_target(address, ALLOWED)
    assert target.shown == shown
    assert "KEY" not in repr(target) + shown
    assert target.address == address


def test_what_lets_us_in_at_an_srt_server_is_no_part_of_the_address() -> None:
    target = push_target(
        "srt://10.0.0.9:9000?streamid=a%2Fb&passphrase=0123456789&latency=200000&mode=listener",
        ALLOWED,
    )
    address, secret = target.srt
    assert address == "srt://10.0.0.9:9000?mode=caller&transtype=live&latency=200000"
    assert secret == {"streamid": "a/b", "passphrase": "0123456789"}


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("rtmp://elsewhere.cn/live/k", 403),
        ("srt://127.0.0.1:9000", 403),
        ("rtmp://live.example.cn.evil.cn/live/k", 403),
        ("http://live.example.cn/live", 422),
        ("file:///etc/passwd", 422),
        ("rtmp://live.example.cn", 422),
        ("srt://10.0.0.9", 422),
        ("srt://10.0.0.9:0", 422),
        ("srt://10.0.0.9:99999", 422),
        ("rtmp://live.example.cn/a b", 422),
        ("rtmp://live.example.cn/a\nb", 422),
        ("rtmp://[live", 422),
        ("rtmp://live.example.cn/app/\ud83d", 422),
        ("rtmp://live.example.cn/\ud83d/KEY", 422),
        # ffmpeg reads what lets us in from lines: another line would be another option.
        ("srt://10.0.0.9:9000?passphrase=0123456789%0Avf=movie%3D/etc/passwd", 422),
    ],
)
def test_what_is_no_target_is_refused(address: str, status: int) -> None:
    with pytest.raises(Refusal) as refused:
        push_target(address, ALLOWED)
    assert refused.value.status == status
