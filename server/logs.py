"""Logs: one line an event, for people on a terminal or as JSON for a collector.

Everything that libraries log through `logging` goes the same way. The last lines are kept for the
administrators' page (`server.log_tail`).
"""

from __future__ import annotations

import logging
import sys

if "rich" in sys.modules:
    import structlog
else:
    # structlog looks for rich to draw tracebacks with. Ours are plain, and finding it would take a
    # server that was killed a twentieth longer to come back.
    sys.modules["rich"] = None  # type: ignore[assignment]
    import structlog

    del sys.modules["rich"]
from structlog.typing import Processor

from server.log_tail import TAIL

_QUIET = ("aioice", "aiortc", "aiosqlite", "alembic", "asyncio", "libav", "uvicorn", "websockets")


def set_up_logs(level: str, form: str) -> None:
    """Log to standard error from now on; `form` is "console" or "json"."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=form == "json"),
        structlog.processors.StackInfoRenderer(),
    ]
    if form == "json":
        render: list[Processor] = [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    else:
        render = [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(),
                exception_formatter=structlog.dev.plain_traceback,
                pad_event_to=0,
            )
        ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    TAIL.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.dev.ConsoleRenderer(
                    colors=False,
                    exception_formatter=structlog.dev.plain_traceback,
                    pad_event_to=0,
                ),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler, TAIL]
    root.setLevel(level.upper())
    for name in _QUIET:  # their news is our debugging
        logging.getLogger(name).setLevel("DEBUG" if level == "debug" else "WARNING")
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
