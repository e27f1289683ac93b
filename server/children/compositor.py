"""A lesson's compositor as a program that runs beside the server.

How it speaks is `mixer.composite.process.messages`'. It decodes what strangers send, so it is given
no secret: settings, and the passwords in them, come by the environment. It limits its own memory.
"""

from __future__ import annotations

import os
import sys

from mixer.composite.process import messages as c
from mixer.reading.control import MAX_LINE_BYTES, encode
from server.children.child import Program

# It counts what it does every second. Pages and players have been without a new picture for long
# by then, and another is there two seconds later.
_SILENT_S = 10.0

# Where interpreter, libraries and fonts are found, and how text is written.
_KNOWS = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "PYTHONPATH", "TMPDIR", "TZ")


def compositor(*arguments: str) -> Program[c.Command, c.Report]:
    """The program; `arguments` are what starts it, our own module by default."""
    return Program(
        name="compositor",
        arguments=(
            *(arguments or (sys.executable, "-m", "mixer.composite.process")),
            "--control-fd",
        ),
        encode=encode,
        parse=c.parse_report,
        greets=lambda report: isinstance(report, c.Hello),
        max_line_bytes=MAX_LINE_BYTES,
        environment={name: os.environ[name] for name in _KNOWS if name in os.environ},
        silent_s=None if arguments else _SILENT_S,
    )
