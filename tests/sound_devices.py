"""Sound devices that are files (`type file` of ALSA's own plug-ins): a microphone that is a pipe,
fed in real time by the test, and a loudspeaker that writes what it plays.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

RATE = 48_000
BLOCK = 480
SYSTEM = Path("/usr/share/alsa/alsa.conf")
_SETTINGS = """
pcm.testmic {{
  type file slave.pcm {{ type null }} file /dev/null infile "{microphone}" format raw
}}
pcm.testspeaker {{ type file slave.pcm {{ type null }} file "{loudspeaker}" format raw }}
"""

# The sound of some samples, by the number of the first on the wall clock; None: nothing comes.
Sound = Callable[[int, int], npt.NDArray[np.float32] | None]


class SoundDevices:
    """`settings` is what ALSA_CONFIG_PATH is to be; the microphone is fed from `plug_in` on."""

    microphone, loudspeaker = "testmic", "testspeaker"

    def __init__(self, folder: Path) -> None:
        if not SYSTEM.exists():
            pytest.skip("needs ALSA's settings: apt-get install libasound2-data")
        self.pipe, self.played = folder / "microphone", folder / "loudspeaker"
        os.mkfifo(self.pipe)
        file = folder / "asoundrc"
        text = _SETTINGS.format(microphone=self.pipe, loudspeaker=self.played)
        file.write_text(text, encoding="utf-8")
        self.settings = f"{SYSTEM}:{file}"
        # Held open: a pipe without a writer would make its reader wait for one. What is written
        # before there is a reader is refused, so that nobody reads what is long past.
        reader = os.open(self.pipe, os.O_RDONLY | os.O_NONBLOCK)
        self._end = os.open(self.pipe, os.O_WRONLY | os.O_NONBLOCK)
        os.close(reader)
        self._feeding: threading.Thread | None = None
        self._plugged = threading.Event()

    def plug_in(self, sound: Sound) -> None:
        """Feed it, each sample at its moment of the wall clock."""
        self._plugged.set()
        self._feeding = threading.Thread(target=self._feed, args=(sound,), daemon=True)
        self._feeding.start()

    def pull_out(self) -> None:
        self._plugged.clear()
        if self._feeding is not None:
            self._feeding.join(5)

    def close(self) -> None:
        self.pull_out()
        os.close(self._end)

    def _feed(self, sound: Sound) -> None:
        number = int(time.time() * RATE)
        while self._plugged.is_set():
            number += BLOCK  # a block is there when its last sample is
            time.sleep(max(0.0, number / RATE - time.time()))
            samples = sound(number - BLOCK, BLOCK)
            if samples is not None:
                data = (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
                with suppress(OSError):
                    os.write(self._end, data)


def tone(frequency: float, amplitude: float = 0.3) -> Sound:
    """A steady tone with a little noise, as a real microphone has it."""

    def sound(first: int, count: int) -> npt.NDArray[np.float32]:
        at = np.arange(first, first + count, dtype=np.float64) / RATE
        return (amplitude * np.sin(2 * np.pi * frequency * (at % 1.0))).astype(np.float32)

    return sound
