"""libopus itself, through ctypes: decoding with in-band FEC and concealment, and encoding.

PyAV decodes Opus but gives neither of the first two; it encodes as well, but wraps 20 ms of sound
in frames and filters that cost half as much again as the encoding. The library is the one that
PyAV's wheel brings, else the system's (Debian: `libopus0`). RFC 6716; the functions are those of
`opus.h` (libopus 1.1 and later), pinned by `tests/contract/test_libopus.py`. Packets may be
hostile: lengths are passed with the bytes, and what cannot be decoded raises `OpusError`.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import weakref
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mixer.rtp.opus import CLOCK_RATE, MAX_PACKET_SAMPLES

Samples = npt.NDArray[np.float32]  # mono, 48 kHz, full scale ±1

_OK = 0

# `opus_defines.h`: what an encoder is for, and what it can be told.
_APPLICATION_VOIP = 2048
_SET_BITRATE, _SET_COMPLEXITY, _SET_INBAND_FEC, _SET_PACKET_LOSS = 4002, 4010, 4012, 4014

# The longest packet of one frame (RFC 6716 §3.2.1: 1275 bytes) and its TOC byte.
_MOST_PACKET_BYTES = 1276


class OpusError(Exception):
    """libopus cannot decode this, or is not there."""


@cache
def library() -> ctypes.CDLL:
    """libopus. Raises `OpusError` when there is none."""
    for name in _names():
        try:
            return _declared(ctypes.CDLL(name))
        except (OSError, AttributeError):
            continue
    raise OpusError("no libopus: neither PyAV's wheel nor the system has one (Debian: libopus0)")


def _names() -> Iterator[str]:
    # PyAV itself is not read in: a process that needs libopus alone is 30 MB smaller without it.
    wheel = find_spec("av")
    if wheel is not None and wheel.origin is not None:
        for path in sorted((Path(wheel.origin).parents[1] / "av.libs").glob("libopus-*.so*")):
            yield str(path)
    if (found := ctypes.util.find_library("opus")) is not None:
        yield found


def _declared(opus: ctypes.CDLL) -> ctypes.CDLL:
    opus.opus_decoder_create.restype = ctypes.c_void_p
    opus.opus_decoder_create.argtypes = [
        ctypes.c_int32,
        ctypes.c_int,
        ctypes.POINTER(ctypes.c_int),
    ]
    opus.opus_decode_float.restype = ctypes.c_int
    opus.opus_decode_float.argtypes = [
        ctypes.c_void_p,
        ctypes.c_char_p,
        ctypes.c_int32,
        ctypes.c_void_p,
        ctypes.c_int,
        ctypes.c_int,
    ]
    opus.opus_decoder_destroy.restype = None
    opus.opus_decoder_destroy.argtypes = [ctypes.c_void_p]
    opus.opus_encoder_create.restype = ctypes.c_void_p
    opus.opus_encoder_create.argtypes = [
        ctypes.c_int32,
        ctypes.c_int,
        ctypes.c_int,
        ctypes.POINTER(ctypes.c_int),
    ]
    opus.opus_encode_float.restype = ctypes.c_int32
    opus.opus_encode_float.argtypes = [
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_int,
        ctypes.c_char_p,
        ctypes.c_int32,
    ]
    opus.opus_encoder_ctl.restype = ctypes.c_int
    opus.opus_encoder_ctl.argtypes = [ctypes.c_void_p, ctypes.c_int]  # and one more, variadic
    opus.opus_encoder_destroy.restype = None
    opus.opus_encoder_destroy.argtypes = [ctypes.c_void_p]
    opus.opus_strerror.restype = ctypes.c_char_p
    opus.opus_strerror.argtypes = [ctypes.c_int]
    return opus


class OpusDecoder:
    """One voice, mono at 48 kHz whatever was sent. To be closed; not to be shared by threads."""

    def __init__(self) -> None:
        """Raises `OpusError`."""
        self._opus = library()
        error = ctypes.c_int(_OK)
        self._state: int | None = self._opus.opus_decoder_create(CLOCK_RATE, 1, ctypes.byref(error))
        if error.value != _OK or not self._state:
            raise OpusError(self._text(error.value))
        self._out = np.zeros(MAX_PACKET_SAMPLES, np.float32)
        self._out_at = self._out.ctypes.data

    def decode(self, payload: bytes) -> Samples:
        """The sound of a packet. Raises `OpusError`."""
        return self._decode(payload, MAX_PACKET_SAMPLES, fec=False)

    def recover(self, payload: bytes, samples: int) -> Samples:
        """The sound of the lost packet before this one, from its copy in this one.

        Where there is no copy libopus conceals. Raises `OpusError`.
        """
        return self._decode(payload, samples, fec=True)

    def conceal(self, samples: int) -> Samples:
        """So much sound made up from what was before. Raises `OpusError`."""
        return self._decode(None, samples, fec=False)

    def close(self) -> None:
        """Free it; it cannot be used any more."""
        if self._state is not None:
            self._opus.opus_decoder_destroy(self._state)
            self._state = None

    def _decode(self, payload: bytes | None, samples: int, *, fec: bool) -> Samples:
        if self._state is None:
            raise OpusError("the decoder is closed")
        if not 0 < samples <= MAX_PACKET_SAMPLES:
            raise OpusError(f"{samples} samples are no packet's")
        count = self._opus.opus_decode_float(
            self._state,
            payload,
            0 if payload is None else len(payload),
            self._out_at,
            samples,
            int(fec),
        )
        if count < 0:
            raise OpusError(self._text(count))
        return self._out[:count].copy()

    def _text(self, code: int) -> str:
        return _text(self._opus, code)


class OpusEncoder:
    """Speech, mono at 48 kHz, with in-band FEC. Freed with its last reference."""

    def __init__(self, *, bitrate_bps: int, complexity: int, expected_loss_percent: int) -> None:
        """Raises `OpusError`."""
        self._opus = library()
        error = ctypes.c_int(_OK)
        state = self._opus.opus_encoder_create(CLOCK_RATE, 1, _APPLICATION_VOIP, error)
        if error.value != _OK or not state:
            raise OpusError(_text(self._opus, error.value))
        self._state = state
        self._out = ctypes.create_string_buffer(_MOST_PACKET_BYTES)
        weakref.finalize(self, self._opus.opus_encoder_destroy, state)
        for request, value in (
            (_SET_BITRATE, bitrate_bps),
            (_SET_COMPLEXITY, complexity),
            (_SET_INBAND_FEC, 1),
            (_SET_PACKET_LOSS, expected_loss_percent),
        ):
            code = self._opus.opus_encoder_ctl(state, request, ctypes.c_int32(value))
            if code != _OK:
                raise OpusError(_text(self._opus, code))

    def encode(self, sound: Samples) -> bytes:
        """The packet of 2.5 to 60 ms of sound, as RFC 6716 §2.1.4 allows. Raises `OpusError`."""
        sound = np.ascontiguousarray(sound, np.float32)
        count = self._opus.opus_encode_float(
            self._state, sound.ctypes.data, len(sound), self._out, _MOST_PACKET_BYTES
        )
        if count < 0:
            raise OpusError(_text(self._opus, count))
        return self._out.raw[:count]


def _text(opus: ctypes.CDLL, code: int) -> str:
    return str(opus.opus_strerror(code).decode("ascii", "replace"))
