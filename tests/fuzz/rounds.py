"""How long a fuzz run is, and which one it is.

`TONGKE_FUZZ_ROUNDS` is the number of inputs of each harness (`make fuzz`: a million), without it
each harness takes its own short number. `TONGKE_FUZZ_SEED` is added to every seed: another number
is another run, the same number the same run.
"""

from __future__ import annotations

import os

SEED = int(os.environ.get("TONGKE_FUZZ_SEED", "0"))


def rounds(short: int) -> int:
    """Inputs to try: those of the long run, else `short`."""
    return int(os.environ.get("TONGKE_FUZZ_ROUNDS") or short)
