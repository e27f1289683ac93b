"""The recorder as a program that runs beside the server (`recorder.control` is how it speaks)."""

from __future__ import annotations

import sys

from mixer.reading.control import MAX_LINE_BYTES, encode
from recorder import control
from server.children.child import Program

RECORDER: Program[control.Command, control.Report] = Program(
    name="recorder",
    arguments=(sys.executable, "-m", "recorder", "--control-fd"),
    encode=encode,
    parse=control.parse_report,
    greets=lambda report: isinstance(report, control.Hello),
    max_line_bytes=MAX_LINE_BYTES,
)
