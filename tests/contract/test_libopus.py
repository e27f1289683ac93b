"""What we lean on inside libopus: concealment and in-band FEC, which PyAV gives no way to."""

from __future__ import annotations

import ctypes
import ctypes.util
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest

from mixer import libopus
from mixer.libopus import OpusDecoder, OpusEncoder, OpusError, Samples


@cache
def speech_like() -> Samples:
    """Two seconds of a gliding voice with pauses between its syllables."""
    time = np.arange(96_000) / 48_000
    pitch = 2 * np.pi * np.cumsum(140 + 40 * np.sin(2 * np.pi * 0.9 * time)) / 48_000
    tone = sum(np.sin(pitch * harmonic) / harmonic for harmonic in range(1, 12))
    return (0.2 * tone * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * time))).astype(np.float32)


@cache
def packets() -> tuple[bytes, ...]:
    """That voice as Opus with in-band FEC, as browsers send it (`useinbandfec=1`)."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "mono", "flt"
    encoder.bit_rate = 32_000
    encoder.options = {"application": "voip", "fec": "1", "packet_loss": "20"}
    out = []
    for at in range(0, len(speech_like()), 960):
        frame = av.AudioFrame.from_ndarray(
            speech_like()[None, at : at + 960], format="flt", layout="mono"
        )
        frame.sample_rate, frame.pts = 48_000, at
        out += [bytes(packet) for packet in encoder.encode(frame)]
    return tuple(out)


def decoded(how: str) -> Samples:
    """All of it, with every tenth packet lost and made good in one of three ways."""
    decoder = OpusDecoder()
    parts = []
    for number, payload in enumerate(packets()):
        if number % 10 != 5:
            parts.append(decoder.decode(payload))
        elif how == "recover":
            parts.append(decoder.recover(packets()[number + 1], 960))
        elif how == "conceal":
            parts.append(decoder.conceal(960))
        else:
            parts.append(np.zeros(960, np.float32))
    decoder.close()
    return np.concatenate(parts)


def signal_to_noise_db(how: str) -> float:
    """Against what the same decoder makes of all packets."""
    decoder = OpusDecoder()
    whole = np.concatenate([decoder.decode(payload) for payload in packets()])
    decoder.close()
    noise = whole - decoded(how)
    return float(10 * np.log10(np.square(whole).sum() / np.square(noise).sum()))


def test_pyavs_wheel_brings_a_libopus() -> None:
    assert list((Path(av.__file__).parents[1] / "av.libs").glob("libopus-*.so*"))


def test_the_systems_has_the_same_functions() -> None:
    found = ctypes.util.find_library("opus")
    if found is None:
        pytest.skip("no libopus of the system: Debian has it as libopus0")
    assert libopus._declared(ctypes.CDLL(found)).opus_decode_float is not None


def test_a_packet_is_its_sound() -> None:
    decoder = OpusDecoder()
    sound = np.concatenate([decoder.decode(payload) for payload in packets()])
    decoder.close()
    assert len(sound) == 960 * len(packets())
    # PyAV's own decoder, of the same library, hears the same.
    pyav = av.CodecContext.create("libopus", "r")
    pyav.sample_rate, pyav.layout = 48_000, "mono"
    frames = [frame for one in packets() for frame in pyav.decode(av.Packet(one))]
    theirs = np.concatenate([frame.to_ndarray()[0] for frame in frames]) / 32_768
    assert np.abs(sound - theirs).max() < 1e-3


def test_a_copy_is_better_than_a_guess_and_a_guess_than_nothing() -> None:
    nothing, guessed, copied = (signal_to_noise_db(how) for how in ("zeros", "conceal", "recover"))
    assert guessed > nothing + 1
    assert copied > guessed + 4


@pytest.mark.parametrize("payload", [b"", b"\xff", b"\x03\xff", bytes(1500), b"\x0b" * 40])
def test_garbage_is_an_error_or_some_sound_and_the_next_packet_is_decoded(payload: bytes) -> None:
    decoder = OpusDecoder()
    try:
        sound = decoder.decode(payload)
        assert len(sound) <= 5760
    except OpusError:
        pass
    assert len(decoder.decode(packets()[0])) == 960
    decoder.close()
    decoder.close()


def test_without_any_libopus_it_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    elsewhere = SimpleNamespace(origin=str(tmp_path / "av" / "__init__.py"))
    monkeypatch.setattr(libopus, "find_spec", lambda _: elsewhere)
    monkeypatch.setattr(ctypes.util, "find_library", lambda _: None)
    with pytest.raises(OpusError, match="libopus0"):
        libopus.library.__wrapped__()


def _encoded_by_us(loss: int) -> list[bytes]:
    encoder = OpusEncoder(bitrate_bps=40_000, complexity=7, expected_loss_percent=loss)
    return [encoder.encode(frame) for frame in speech_like().reshape(-1, 960)]


def test_what_we_encode_is_its_sound_at_its_rate() -> None:
    packets = _encoded_by_us(10)
    decoder = OpusDecoder()
    sound = np.concatenate([decoder.decode(packet) for packet in packets])
    decoder.close()
    likeness = [
        np.corrcoef(speech_like()[:-later], sound[later:])[0, 1]
        for later in range(240, 720, 4)  # 5 to 15 ms: what it looks ahead
    ]
    assert max(likeness) > 0.7  # its high-pass turns the phases of a low voice
    kbit_per_s = 8 * sum(map(len, packets)) / (0.02 * len(packets)) / 1000
    assert 25 < kbit_per_s < 45


def test_what_we_encode_carries_copies_of_lost_packets() -> None:
    packets = _encoded_by_us(10)

    def noise(*, copies: bool) -> float:
        whole, holed = OpusDecoder(), OpusDecoder()
        power = 0.0
        for number, packet in enumerate(packets[:-1]):
            sound = whole.decode(packet)
            if number % 10 != 5:
                made = holed.decode(packet)
            elif copies:
                made = holed.recover(packets[number + 1], 960)
            else:
                made = holed.conceal(960)
            power += float(np.square(sound - made).sum())
        whole.close()
        holed.close()
        return power

    assert 10 * np.log10(noise(copies=False) / noise(copies=True)) >= 4


def test_an_encoder_refuses_what_is_no_packets_length() -> None:
    encoder = OpusEncoder(bitrate_bps=40_000, complexity=7, expected_loss_percent=10)
    with pytest.raises(OpusError):
        encoder.encode(np.zeros(961, np.float32))
