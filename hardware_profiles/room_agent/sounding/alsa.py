"""This machine's sound devices: libasound, through ctypes. Linux alone.

PyAV has ALSA as well, but its wheel looks for ALSA's settings in a folder of the machine it was
built on, and tells nothing of how much is still in the card. The functions are those of
`alsa/pcm.h`; `tests/contract/test_libasound.py` holds them.
"""

from __future__ import annotations

import ctypes
import errno
from functools import cache

import numpy as np

from mixer.libopus import Samples

RATE = 48_000
_PLAYBACK, _CAPTURE = 0, 1
_NONBLOCK = 1
_S16_LE, _INTERLEAVED = 2, 3
# Many microphones of conference systems have two channels alone, some have four.
_CHANNELS = (1, 2, 4, 8)
# What the card holds for us: a busy machine is late by 50 ms now and then. Of the microphone it
# delays nothing, as it is read when it comes.
_CAPTURE_US, _PLAYBACK_US = 200_000, 120_000


class AlsaError(Exception):
    """A device cannot be used. `word` is the key of `sources.errors`' sentences."""

    def __init__(self, word: str, text: str = "") -> None:
        super().__init__(text or word)
        self.word = word


@cache
def library() -> ctypes.CDLL:
    """libasound. Raises `AlsaError`."""
    try:
        alsa = ctypes.CDLL("libasound.so.2")
    except OSError:
        raise AlsaError("no-alsa") from None
    pcm = ctypes.c_void_p
    for name, result, arguments in (
        ("open", ctypes.c_int, [ctypes.POINTER(pcm), ctypes.c_char_p, ctypes.c_int, ctypes.c_int]),
        ("close", ctypes.c_int, [pcm]),
        ("set_params", ctypes.c_int, [pcm, *[ctypes.c_int] * 2, *[ctypes.c_uint] * 2,
                                      ctypes.c_int, ctypes.c_uint]),
        ("start", ctypes.c_int, [pcm]),
        ("wait", ctypes.c_int, [pcm, ctypes.c_int]),
        ("readi", ctypes.c_long, [pcm, ctypes.c_void_p, ctypes.c_ulong]),
        ("writei", ctypes.c_long, [pcm, ctypes.c_void_p, ctypes.c_ulong]),
        ("delay", ctypes.c_int, [pcm, ctypes.POINTER(ctypes.c_long)]),
        ("recover", ctypes.c_int, [pcm, ctypes.c_int, ctypes.c_int]),
    ):  # fmt: skip
        function = getattr(alsa, f"snd_pcm_{name}")
        function.restype, function.argtypes = result, arguments
    alsa.snd_strerror.restype = ctypes.c_char_p
    alsa.snd_strerror.argtypes = [ctypes.c_int]
    alsa.snd_lib_error_set_handler.argtypes = [ctypes.c_void_p]
    alsa.snd_lib_error_set_handler(ctypes.cast(_say_nothing, ctypes.c_void_p))
    return alsa


# It writes to standard error otherwise, a line for each try.
_say_nothing = ctypes.CFUNCTYPE(None)(lambda: None)


class _Device:
    """One open device."""

    def __init__(self, name: str, direction: int, latency_us: int) -> None:
        self._alsa = library()
        self._pcm: ctypes.c_void_p | None = None
        pcm = ctypes.c_void_p()
        self._check(self._alsa.snd_pcm_open(pcm, name.encode(), direction, _NONBLOCK))
        self._pcm = pcm
        code = -errno.EINVAL
        for self.channels in _CHANNELS:
            code = self._alsa.snd_pcm_set_params(
                pcm, _S16_LE, _INTERLEAVED, self.channels, RATE, 1, latency_us
            )
            if code >= 0:
                return
        self.close()
        if code == -errno.EINVAL:
            raise AlsaError("format")
        self._check(code)

    def close(self) -> None:
        """Give it back; calling it twice is fine."""
        pcm, self._pcm = self._pcm, None
        if pcm is not None:
            self._alsa.snd_pcm_close(pcm)

    @property
    def delay(self) -> int:
        """Samples that the card holds: taken and not read yet, or written and not played yet."""
        frames = ctypes.c_long()
        if self._alsa.snd_pcm_delay(self._pcm, frames) < 0:
            return 0
        return max(0, frames.value)

    def _check(self, code: int) -> int:
        if code >= 0:
            return code
        text = self._alsa.snd_strerror(code).decode("ascii", "replace")
        raise AlsaError(_WORDS.get(-code, "lost"), text)


_WORDS = {
    errno.ENOENT: "missing",
    errno.ENODEV: "missing",
    errno.ENXIO: "missing",
    errno.EINVAL: "missing",  # a card of that name there is not
    errno.EBUSY: "busy",
    errno.EACCES: "forbidden",
    errno.EPERM: "forbidden",
}


class AlsaMicrophone(_Device):
    """Takes sound, mono at 48 kHz whatever the card has. `lost` counts what was not read in time,
    in times.
    """

    def __init__(self, name: str) -> None:
        """Raises `AlsaError`."""
        super().__init__(name, _CAPTURE, _CAPTURE_US)
        self.lost = 0
        self._check(self._alsa.snd_pcm_start(self._pcm))

    def read(self, count: int, patience_s: float) -> Samples | None:
        """So many samples; None when they do not come in this time. Raises `AlsaError`.

        What comes from two microphones is heard by both: their mean.
        """
        got = np.zeros((count, self.channels), "<i2")
        at = 0
        while at < count:
            frames = self._alsa.snd_pcm_readi(self._pcm, got[at:].ctypes.data, count - at)
            if frames > 0:
                at += frames
            elif frames in (0, -errno.EAGAIN):
                if frames == 0 or not self._alsa.snd_pcm_wait(self._pcm, int(patience_s * 1000)):
                    return None
            elif frames == -errno.EPIPE:  # it ran over: what it held is gone
                self.lost += 1
                self._check(self._alsa.snd_pcm_recover(self._pcm, int(frames), 1))
                self._check(self._alsa.snd_pcm_start(self._pcm))
            else:
                self._check(self._alsa.snd_pcm_recover(self._pcm, int(frames), 1))
        mono: Samples = got.mean(axis=1, dtype=np.float32)
        return mono / np.float32(32768)


class AlsaLoudspeaker(_Device):
    """Plays mono at 48 kHz on all channels of the card. `dropped` counts blocks."""

    # So much is ahead of the loudspeaker when it begins, and at most twice as much later: a card
    # whose clock is slow would be later and later otherwise. 40 ms
    AHEAD = RATE // 25

    def __init__(self, name: str) -> None:
        """Raises `AlsaError`."""
        super().__init__(name, _PLAYBACK, _PLAYBACK_US)
        self.dropped = 0
        self._write(np.zeros(self.AHEAD, np.float32))

    def play(self, sound: Samples) -> None:
        """Behind what it still has. Never waits. Raises `AlsaError`."""
        if self.delay > 2 * self.AHEAD:
            self.dropped += 1
            return
        self._write(sound)

    def _write(self, sound: Samples) -> None:
        whole = np.clip(sound, -1, 1) * np.float32(32767)
        frames = np.repeat(whole.astype("<i2")[:, None], self.channels, axis=1)
        frames = np.ascontiguousarray(frames)
        for _ in range(2):
            code = self._alsa.snd_pcm_writei(self._pcm, frames.ctypes.data, len(frames))
            if code == -errno.EAGAIN:
                self.dropped += 1
                return
            if code >= 0:
                return
            # It ran empty: begin again with some silence ahead.
            self._check(self._alsa.snd_pcm_recover(self._pcm, int(code), 1))
            silence = np.zeros((self.AHEAD, self.channels), "<i2")
            self._alsa.snd_pcm_writei(self._pcm, silence.ctypes.data, len(silence))
