"""The recorder as a program that runs beside the server (`recorder.control` is how it speaks)."""

from __future__ import annotations

import sys

from recorder import control
from server.children.child import Program

RECORDER: Program[control.Command, control.Report] = Program(
    name="recorder",
    arguments=(sys.executable, "-m", "recorder", "--control-fd"),
    encode=control.encode,
    parse=control.parse_report,
    greets=lambda report: isinstance(report, control.Hello),
    max_line_bytes=control.MAX_LINE_BYTES,
)
