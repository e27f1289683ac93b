"""Saves what can be saved of a damaged recording, in a process of its own.

    python -m recorder.repair FOLDER < MANIFEST

Standard input may hold the library's copy of the manifest. The last line of output is
`{"done": […], "faults": […]}`, each with a `code`, `file`, `saved_s`, `whole_s`; the exit status is
0 when nothing is wrong any more that could be mended, 1 otherwise (`recorder.repairing`).
"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

from recorder.errors import ManifestError, RecorderError
from recorder.finish import give_way, limit_output
from recorder.manifest import MAX_MANIFEST_BYTES, Manifest, manifest_from
from recorder.repairing import Repair
from recorder.verification import look


def main(arguments: list[str]) -> int:
    """The command line; see the top of this file."""
    (folder,) = arguments
    give_way()
    # Parts as well as tracks: of most recordings there are no tracks any more.
    limit_output(look(Path(folder)).bytes)
    repair = Repair(Path(folder), _known(sys.stdin.buffer.read(MAX_MANIFEST_BYTES)))
    failed = ""
    try:
        repair.run()
    except (RecorderError, OSError) as error:
        failed = str(error)
    answer = {
        "done": [dataclasses.asdict(one) for one in repair.done],
        "faults": [dataclasses.asdict(one) for one in repair.faults],
        "failed": failed,
    }
    sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
    return 1 if failed or repair.faults else 0


def _known(data: bytes) -> Manifest | None:
    try:
        return manifest_from(json.loads(data), where="the library") if data else None
    except (ManifestError, ValueError, RecursionError):
        return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
