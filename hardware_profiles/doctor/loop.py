"""What was said and played, in what was heard: "speak now: heard, clear, no echo". Pure.

A room is quiet for a second, then somebody speaks, then three sweeps are played that nothing else
makes: of a known length, at uneven distances. Found again in what the microphone gave, they show
that loudspeaker and microphone work, how late and how loud the one is in the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hardware_profiles.doctor.findings import Both, Checked, Grade
from hardware_profiles.doctor.words import LOOP, MICROPHONE, SPEAKER

RATE = 48_000
QUIET_S, SPEAK_S, TAIL_S = 1.0, 4.0, 1.5
# Within what every loudspeaker and telephone microphone carries.
_SWEEP_S, _FROM_HZ, _TO_HZ = 0.25, 400.0, 3_400.0
# Uneven: what repeats evenly (a fan, a hum) fits one of them by chance, never all three.
SWEEPS_AT_S = (0.0, 0.42, 1.07)
_LOUDNESS = 0.3
_FRAME = RATE // 50

# Levels in dB of full scale. An open microphone in a quiet room gives -70 to -50.
_LOUDER_THAN_NOISE_DB, _CLEARLY_LOUDER_DB = 8.0, 16.0
_QUIET_SPEECH_DB, _NOISY_DB = -45.0, -40.0
_CLIPPED = 0.001
# How well a stretch of sound fits a sweep: 1 is the sweep alone. White noise of a quarter second
# fits by less than 0.05; a sweep 12 dB below the noise still by 0.2.
_FITS = 0.2
# A browser's canceller looks back about half a second.
_LATE_MS = 500.0
# A reflection that comes back so strong and so late is a hall's, or a second loudspeaker's.
_REFLECTION_FROM_S, _REFLECTION_TO_S, _REFLECTION_DB = 0.12, 0.4, -12.0
_LOUD_LOOP_DB = 12.0

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class HeardRoom:
    """Levels in dB of full scale; of the sweeps None where they were not found."""

    dead: bool  # digital silence, which no open microphone gives
    noise_db: float
    speech_db: float
    clipped: float
    delay_ms: float | None = None
    loop_db: float | None = None
    reflection_db: float | None = None  # against the sweep itself


def sweeps() -> Samples:
    """What is played."""
    one = _sweep()
    whole = np.zeros(round((SWEEPS_AT_S[-1] + _SWEEP_S) * RATE), np.float32)
    for at in SWEEPS_AT_S:
        place = round(at * RATE)
        whole[place : place + len(one)] += one * _LOUDNESS
    return whole


def hear(heard: Samples, played_at: int | None) -> HeardRoom:
    """`heard` begins with the quiet second; the sweeps went out at the sample `played_at`."""
    speech_at = round(QUIET_S * RATE)
    speech = heard[speech_at : played_at if played_at is not None else None]
    found = _found(heard, played_at) if played_at is not None else (None, None, None)
    return HeardRoom(
        dead=len(heard) < RATE or float(np.ptp(heard)) == 0.0,
        noise_db=_level(heard[:speech_at], 20),
        speech_db=_level(speech, 90),
        clipped=float(np.mean(np.abs(heard) > 0.999)) if len(heard) else 0.0,
        delay_ms=found[0],
        loop_db=found[1],
        reflection_db=found[2],
    )


def judge_sound(
    heard: HeardRoom | None,
    *,
    cancels_echo: bool,
    spoke: bool,
    mic: Both | None,
    speaker: Both | None,
) -> list[Checked]:
    """Of microphone, loudspeaker and both. `cancels_echo`: the browser or the agent does it, else
    the room's own sound processor has to. `mic`, `speaker`: why it could not be opened.
    """
    if heard is None or mic is not None or heard.dead:
        return [
            Checked(
                check="microphone",
                name=MICROPHONE,
                verdict=Grade.BAD,
                words=Both(zh="没有声音。", en="It gives no sound."),
                todo=mic or _NOTHING_HEARD,
            ),
            _speaker(None, speaker, cancels_echo=cancels_echo),
        ]
    return [
        _microphone(heard, spoke=spoke),
        _speaker(heard, speaker, cancels_echo=cancels_echo),
        *([_loop(heard, cancels_echo=cancels_echo)] if speaker is None else []),
    ]


_NOTHING_HEARD = Both(
    zh="请插好麦克风，并打开它的静音开关。",
    en="Plug the microphone in, and see that it is not muted.",
)


def _microphone(heard: HeardRoom, *, spoke: bool) -> Checked:
    above = heard.speech_db - heard.noise_db
    verdict, todo = Grade.GOOD, None
    words = Both(zh="听得清楚。", en="Heard, and clear.")
    if not spoke:
        verdict = Grade.UNTRIED
        words = Both(zh="有声音，没有试说话。", en="It gives sound; nobody was asked to speak.")
    elif above < _LOUDER_THAN_NOISE_DB:
        verdict = Grade.BAD
        words = Both(zh="没有听到说话。", en="Nobody was heard.")
        todo = Both(
            zh="请靠近麦克风说话再试，或在系统设置中选对麦克风、调高音量。",
            en="Speak nearer to it and try again; or choose the right one in the system's "
            "settings, and turn it up.",
        )
    elif heard.clipped > _CLIPPED:
        verdict = Grade.WEAK
        words = Both(zh="声音太大，已失真。", en="Too loud: it is distorted.")
        todo = Both(zh="请调低麦克风音量。", en="Turn the microphone down.")
    elif heard.noise_db > _NOISY_DB or above < _CLEARLY_LOUDER_DB:
        verdict = Grade.WEAK
        words = Both(zh="听得到，但有噪声。", en="Heard, with noise.")
        todo = Both(
            zh="请关掉风扇，关上窗，或把麦克风移近。",
            en="Switch off the fan, close the window, or bring the microphone nearer.",
        )
    elif heard.speech_db < _QUIET_SPEECH_DB:
        verdict = Grade.WEAK
        words = Both(zh="听得到，但太轻。", en="Heard, but faint.")
        todo = Both(zh="请调高麦克风音量。", en="Turn the microphone up.")
    return Checked(
        check="microphone",
        name=MICROPHONE,
        verdict=verdict,
        words=words,
        todo=todo,
        figures={
            "noise_db": round(heard.noise_db, 1),
            "speech_db": round(heard.speech_db, 1),
            "clipped": round(heard.clipped, 5),
        },
    )


def _speaker(heard: HeardRoom | None, fault: Both | None, *, cancels_echo: bool) -> Checked:
    found = heard is not None and heard.delay_ms is not None
    if fault is not None:
        words, todo, verdict = (
            Both(zh="打不开。", en="It cannot be opened."),
            fault,
            Grade.BAD,
        )
    elif found:
        words, todo = Both(zh="三声提示音都听到了。", en="All three tones were heard."), None
        verdict = Grade.GOOD
    elif heard is None or not cancels_echo:
        words = Both(zh="已播放三声提示音。", en="Three tones were played.")
        todo = Both(
            zh="您听到了吗？没有听到就调高音量，或检查连接线。",
            en="Did you hear them? If not, turn it up, or look at its cable.",
        )
        verdict = Grade.UNTRIED
    else:
        words = Both(zh="麦克风没有听到提示音。", en="The microphone did not hear the tones.")
        todo = Both(
            zh="您听到了吗？没有听到就打开扬声器、调高音量、选对输出设备；"
            "听到了就说明麦克风只收近处的声音，不必处理。",
            en="Did you? If not, switch the loudspeaker on, turn it up, and choose the right "
            "output. If you did, the microphone takes near sounds alone, which is well.",
        )
        verdict = Grade.WEAK
    return Checked(check="speaker", name=SPEAKER, verdict=verdict, words=words, todo=todo)


def _loop(heard: HeardRoom, *, cancels_echo: bool) -> Checked:
    figures = {
        name: round(value, 1)
        for name, value in (
            ("delay_ms", heard.delay_ms),
            ("loop_db", heard.loop_db),
            ("reflection_db", heard.reflection_db),
        )
        if value is not None
    }
    verdict, words, todo = _echo(heard, cancels_echo=cancels_echo)
    return Checked(
        check="loop", name=LOOP, verdict=verdict, words=words, todo=todo, figures=dict(figures)
    )


def _echo(heard: HeardRoom, *, cancels_echo: bool) -> tuple[Grade, Both, Both | None]:
    no_echo = Both(zh="没有回声。", en="No echo.")
    if heard.delay_ms is None or heard.loop_db is None:
        return Grade.GOOD, no_echo, None
    if not cancels_echo:
        return (
            Grade.BAD,
            Both(zh="有回声：对方会听到自己。", en="Echo: the others will hear themselves."),
            Both(
                zh="配置写明由音频处理器消除回声，但它没有做到：请在处理器上打开回声消除，"
                "或在配置中写 echo_cancellation = true。",
                en="The profile says that the room's sound processor removes it, and it does not: "
                "switch that on, or write echo_cancellation = true into the profile.",
            ),
        )
    if heard.delay_ms > _LATE_MS:
        return (
            Grade.WEAK,
            Both(
                zh=f"扬声器的声音晚 {heard.delay_ms:.0f} 毫秒才回到麦克风。",
                en=f"The loudspeaker is {heard.delay_ms:.0f} ms late in the microphone.",
            ),
            Both(
                zh="回声消除跟不上：请用线连接扬声器，不用蓝牙或电视的音效。",
                en="That is too late for cancelling: use a cable, no Bluetooth and no sound "
                "effects of a television.",
            ),
        )
    if heard.reflection_db is not None and heard.reflection_db > _REFLECTION_DB:
        return (
            Grade.WEAK,
            Both(zh="房间回响很长。", en="The room rings for long."),
            Both(
                zh="请把麦克风移近说话的人，拉上窗帘。",
                en="Bring the microphone nearer to who speaks, and draw the curtains.",
            ),
        )
    spoke = heard.speech_db > heard.noise_db + _LOUDER_THAN_NOISE_DB
    if spoke and heard.loop_db > heard.speech_db + _LOUD_LOOP_DB:
        return (
            Grade.WEAK,
            Both(
                zh="扬声器比说话的人响得多。",
                en="The loudspeaker is much louder than who speaks.",
            ),
            Both(
                zh="请调低扬声器，或让它远离麦克风。",
                en="Turn it down, or move it away from the microphone.",
            ),
        )
    return (
        Grade.GOOD,
        Both(
            zh="扬声器与麦克风配合正常，回声会被消除。",
            en="Loudspeaker and microphone go together; the echo will be removed.",
        ),
        None,
    )


def _found(heard: Samples, played_at: int) -> tuple[float | None, float | None, float | None]:
    """How late (ms), how loud (dB), and how strong a reflection is (dB against it)."""
    after = heard[played_at:]
    one = _sweep()
    if len(after) < len(sweeps()):
        return None, None, None
    fit, energy = _fit(after, one)
    spans = [round(at * RATE) for at in SWEEPS_AT_S]
    room = len(fit) - spans[-1]
    if room <= 0:
        return None, None, None
    # All three at one delay: the least of them counts.
    together = np.min([np.abs(fit[span : span + room]) for span in spans], axis=0)
    delay = int(np.argmax(together))
    if float(together[delay]) < _FITS:
        return None, None, None
    level = 20 * np.log10(max(1e-6, float(np.mean([energy[delay + span] for span in spans]))))
    return 1_000 * delay / RATE, float(level), _reflection(after, one, delay + spans[-1])


def _reflection(after: Samples, one: Samples, place: int) -> float | None:
    """Of the last sweep, behind which nothing is played."""
    tail = after[place:]
    raw = np.abs(_correlated(tail, one))
    direct = float(raw[: RATE // 100].max())
    begins, ends = round(_REFLECTION_FROM_S * RATE), round(_REFLECTION_TO_S * RATE)
    late = raw[begins:ends]
    if not len(late) or not direct:
        return None
    return float(20 * np.log10(max(1e-6, float(late.max()) / direct)))


def _fit(sound: Samples, one: Samples) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each place: how well the sweep fits there (−1 to 1), and how loud the sound is."""
    raw = _correlated(sound, one)
    squares = np.concatenate(([0.0], np.cumsum(sound.astype(np.float64) ** 2)))
    power = squares[len(one) :] - squares[: -len(one)]
    size = min(len(raw), len(power))
    norm = np.sqrt(np.maximum(power[:size], 1e-9) * float(np.sum(one.astype(np.float64) ** 2)))
    return raw[:size] / norm, np.sqrt(np.maximum(power[:size], 0) / len(one))


def _correlated(sound: Samples, one: Samples) -> NDArray[np.float64]:
    size = 1 << (len(sound) + len(one)).bit_length()
    spectrum = np.fft.rfft(sound, size) * np.conj(np.fft.rfft(one, size))
    return np.fft.irfft(spectrum, size)[: max(0, len(sound) - len(one) + 1)]


def _sweep() -> Samples:
    times = np.arange(round(_SWEEP_S * RATE)) / RATE
    phase = 2 * np.pi * (_FROM_HZ * times + (_TO_HZ - _FROM_HZ) * times**2 / (2 * _SWEEP_S))
    return (np.sin(phase) * np.hanning(len(times))).astype(np.float32)


def _level(sound: Samples, percentile: float) -> float:
    """Of frames of 20 ms, that which so many are below, in dB of full scale."""
    frames = len(sound) // _FRAME
    if not frames:
        return -120.0
    shaped = sound[: frames * _FRAME].reshape(frames, _FRAME).astype(np.float64)
    levels = np.sqrt(np.mean(shaped**2, axis=1))
    return float(20 * np.log10(max(1e-6, float(np.percentile(levels, percentile)))))
