"""One clock for picture and sound; sound without seams; what the database keeps is sealed."""

from __future__ import annotations

from random import Random

import pytest

from mixer.rtp.sequence import ntp_from_unix_ns
from server.encoders.encoded_stream import EncodedSound
from server.encoders.sealed import CameraLogin, Seal
from server.encoders.shared_clock import WINDOW_S, SharedClock

START = 1_800_000_000.0
KEY = b"k" * 32


def told(clock: SharedClock) -> None:
    """FFmpeg's clock begins 7 s off ours; its picture's ticks at 1000, its sound's at 500."""
    ntp = ntp_from_unix_ns(round((START - 7.0) * 1e9))
    clock.report("picture", ntp, 1000, 90_000)
    clock.report("sound", ntp, 500, 48_000)


def test_picture_and_sound_of_one_moment_are_told_as_of_one() -> None:
    clock = SharedClock()
    told(clock)
    for n in range(50):
        # The sound is made anew: it comes 60 ms after the picture of its moment.
        clock.note("picture", 1000 + 3600 * n, START + 0.04 * n + 0.01 * (n % 3))
        clock.note("sound", 500 + 1920 * n, START + 0.04 * n + 0.06)
    picture, sound = clock.taken("picture", 1000 + 3600 * 49), clock.taken("sound", 500 + 1920 * 49)
    assert picture is not None and sound is not None
    assert picture == pytest.approx(sound, abs=1e-4)
    assert picture == pytest.approx(START + 0.04 * 49, abs=1e-3)


def test_a_slow_clock_is_followed() -> None:
    clock = SharedClock()
    told(clock)
    for n in range(int(4 * WINDOW_S / 0.04)):
        clock.note("picture", 1000 + 3600 * n, START + 0.041 * n)
    taken = clock.taken("picture", 1000 + 3600 * (n + 1))
    assert taken is not None
    assert START + 0.041 * n - taken < 2 * WINDOW_S * 0.025 + 0.1
    assert clock.taken("sound", 500) is not None and clock.taken("other", 0) is None


def test_whole_milliseconds_leave_no_seam_and_holes_stay_holes() -> None:
    sound = EncodedSound(Random(1))
    own = [0, 960, 1912, 2880, 3848]  # rounded to milliseconds
    sent = [sound.sent(one, 960, 5.0) for one in own]
    assert [one - sent[0] & 0xFFFF_FFFF for one in sent] == [0, 960, 1920, 2880, 3840]
    after = sound.sent(48_000, 960, 6.0)  # almost a second is missing
    assert (after - sent[0]) & 0xFFFF_FFFF == 48_000
    sound.begin()  # ten seconds later another connection, whose time begins anew
    again = sound.sent(7, 960, 15.0)
    assert (again - sent[0]) & 0xFFFF_FFFF == 10 * 48_000
    behind = sound.sent((7 - 5000) & 0xFFFF_FFFF, 960, 15.0)
    assert (behind - again) & 0xFFFF_FFFF == 960, "what goes back is put behind"


def test_a_login_is_opened_by_its_own_server_for_its_own_row_alone() -> None:
    login = CameraLogin("rtsp://10.0.0.8/main", "admin", "s3cret-geheim", udp=True)
    seal = Seal(KEY)
    sealed = seal.sealed("row", login)
    assert seal.opened("row", sealed) == login
    assert "geheim" not in sealed and "geheim" not in repr(login)
    assert sealed != seal.sealed("row", login)
    for other in (seal.opened("row2", sealed), Seal(b"x" * 32).opened("row", sealed)):
        assert other is None
    for broken in ("", "no base64", sealed[:-8], sealed[:8]):
        assert seal.opened("row", broken) is None


def test_a_passphrase_is_the_same_each_time_and_another_for_each() -> None:
    seal = Seal(KEY)
    words = {seal.passphrase(row) for row in ("a", "b", "a")} | {Seal(b"x" * 32).passphrase("a")}
    assert len(words) == 3
    assert all(10 <= len(one) <= 79 and one.isalnum() for one in words)
