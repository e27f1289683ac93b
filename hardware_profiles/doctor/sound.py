"""Microphone and loudspeaker of this machine, tried together.

Owns the time, the child and the words for a device that cannot be opened; what may be said of what
was heard is `loop`'s.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hardware_profiles.doctor.child import answer_of
from hardware_profiles.doctor.findings import Both, Checked, Grade
from hardware_profiles.doctor.loop import (
    QUIET_S,
    RATE,
    SPEAK_S,
    TAIL_S,
    hear,
    judge_sound,
    sweeps,
)
from hardware_profiles.doctor.words import MICROPHONE, SPEAKER

# PyAV is loaded, the devices opened; a loudspeaker that hangs is waited for as long once more.
_BEGINS_S = 12.0
SPEAK_NOW = Both(zh="请现在对着麦克风说话，数到四……", en="Speak now, please: count to four …")
_FAULTS = {
    "missing": Both(
        zh="没有找到这个设备：请插好，或在系统设置中选择。",
        en="It is not there: plug it in, or choose it in the system's settings.",
    ),
    "busy": Both(
        zh="正被其他程序使用：请关闭那个程序（或教室网页）再试。",
        en="Another program uses it: close that program (or the room's page) and try again.",
    ),
    "forbidden": Both(
        zh="本程序无权打开：请把其用户加入 audio 组。",
        en="This program may not open it: put its user into the group audio.",
    ),
    "hangs": Both(
        zh="没有反应：请拔下再插上。", en="It does not answer: unplug it and plug it in again."
    ),
}


@dataclass(frozen=True, slots=True)
class SoundDevices:
    """ALSA's names; "" is none, and is not tried."""

    microphone: str = "default"
    speaker: str = "default"


async def try_sound(
    devices: SoundDevices, *, cancels_echo: bool, say: Callable[[Both], None], spoke: bool
) -> list[Checked]:
    """Ten seconds: quiet, speech, sweeps. `say` tells people what to do now."""
    if not devices.microphone:
        return [_untried("microphone", MICROPHONE), _untried("speaker", SPEAKER)]
    speaks_s = SPEAK_S if spoke else 0.5
    played = (sweeps() * 32_767).astype(np.int16).tobytes() if devices.speaker else b""
    play_at = QUIET_S + speaks_s
    length = play_at + len(sweeps()) / RATE + TAIL_S
    loop = asyncio.get_running_loop()
    prompts: list[asyncio.TimerHandle] = []

    def prompt() -> None:
        prompts.append(loop.call_later(QUIET_S, say, SPEAK_NOW))

    answer = await answer_of(
        "hardware_profiles.doctor.sounding",
        (devices.microphone, devices.speaker, str(length), str(play_at)),
        played,
        within_s=length + _BEGINS_S,
        begun=prompt if spoke else lambda: None,
    )
    for timer in prompts:
        timer.cancel()
    if answer is None:
        return judge_sound(
            None, cancels_echo=cancels_echo, spoke=spoke, mic=_FAULTS["hangs"], speaker=None
        )
    _begun, _, rest = answer.partition(b"\n")
    head, _, raw = rest.partition(b"\n")
    told = json.loads(head)
    samples = np.frombuffer(raw[: len(raw) // 2 * 2], np.int16).astype(np.float32)
    samples /= np.float32(32_768)
    findings = judge_sound(
        hear(samples, told["played_at"]),
        cancels_echo=cancels_echo,
        spoke=spoke,
        mic=_fault(told["microphone"]),
        speaker=_fault(told["speaker"]),
    )
    if devices.speaker:
        return findings
    return [one for one in findings if one.check == "microphone"] + [_untried("speaker", SPEAKER)]


def _fault(word: str) -> Both | None:
    return _FAULTS.get(word, _FAULTS["missing"]) if word else None


def _untried(check: str, name: Both) -> Checked:
    return Checked(
        check=check,
        name=name,
        verdict=Grade.UNTRIED,
        words=Both(zh="没有检查。", en="It was not tried."),
    )
