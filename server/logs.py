"""Logs: one line an event, for people on a terminal or as JSON for a collector.

Everything that libraries log through `logging` goes the same way. The last lines are kept for the
administrators' page (`server.log_tail`).

A log may be sent to a stranger at every level. Nothing of ours logs a secret; libraries that would
write down what passes through them are not heard, and what looks like a secret all the same is
blotted out of every event (`server.log_blots`).
"""

from __future__ import annotations

import logging
import re
import sys

if "rich" in sys.modules:
    import structlog
else:
    # structlog looks for rich to draw tracebacks with. Ours are plain, and finding it would take a
    # server that was killed a twentieth longer to come back.
    sys.modules["rich"] = None  # type: ignore[assignment]  # "there is none" (import system)
    import structlog

    del sys.modules["rich"]
from structlog.typing import EventDict, Processor, WrappedLogger

from server.log_blots import BLOT, blotted, names_a_secret
from server.log_tail import TAIL

# A traceback's lines are lines; anywhere else a line's end would begin what looks like an event,
# and an escape (ECMA-48) paints over those before it.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_HAVE_LINES = frozenset({"exception", "stack"})
_QUIET = ("aioice", "aiortc", "alembic", "asyncio", "libav")
# At `debug` these would write down every statement's values and every message with its headers:
# hashes of passwords, cookies, tokens.
_NEVER_WHOLE = (
    "aiosqlite",
    "asyncpg",
    "httpcore",
    "httpx",
    "multipart",
    "sqlalchemy",
    "uvicorn",
    "websockets",
)


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
            _blotted,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    else:
        render = [
            structlog.processors.format_exc_info,
            _blotted,
            _one_line,
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(),
                exception_formatter=structlog.dev.plain_traceback,
                pad_event_to=0,
            ),
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
                _one_line,
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
    for name in _NEVER_WHOLE:
        logging.getLogger(name).setLevel("INFO" if level == "debug" else "WARNING")
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


def _blotted(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """What is said in an event, without what looks like a secret."""
    for key, value in event.items():
        if names_a_secret(key):
            event[key] = BLOT
        elif isinstance(value, str):
            event[key] = blotted(value)
        elif value is not None and not isinstance(value, bool | int | float):
            said = repr(value)
            event[key] = value if (clean := blotted(said)) == said else clean
    return event


def _one_line(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """What is said in an event, without signs that would end its line or steer a terminal."""
    for key, value in event.items():
        if isinstance(value, str) and key not in _HAVE_LINES:
            event[key] = _CONTROL.sub(lambda found: repr(found[0])[1:-1], value)
    return event
