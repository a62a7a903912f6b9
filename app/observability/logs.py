"""Structured logs: one event per line, with the ids of its request, run and task where there are any."""

import atexit
import logging
import logging.config
import sys
from typing import Any

import structlog
from structlog.typing import Processor

from app.observability.line_queue import STDERR, BlockingCall, LineHandler, call_directly

SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]

_handler = LineHandler()
"""The only handler of a process."""

atexit.register(_handler.drain)


def configure(log_format: str) -> None:
    """Write our log and that of every library to stderr: as ``json``, one object per line, or for the ``console``."""
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"event": {"()": _formatter, "log_format": log_format}},
            "handlers": {"lines": {"()": lambda: _handler, "formatter": "event"}},
            "root": {"level": "INFO", "handlers": ["lines"]},
            "loggers": {
                "alembic": {"level": "WARNING"},
                "alembic.runtime.migration": {"level": "INFO"},
                # Tasks log their own messages, so Celery's lines on their receipt and success are left out.
                "celery.app.trace": {"level": "WARNING"},
                "celery.worker.strategy": {"level": "WARNING"},
            },
        }
    )
    logging.captureWarnings(True)


def start_listener(descriptor: int = STDERR, apply: BlockingCall = call_directly) -> None:
    """Set the descriptor for this process's log (stderr by default), and the call that writes to it.

    ``apply(function, (line,))`` runs the write, which may block. A process of greenlets runs it on a native thread.
    """
    _handler.write_to(descriptor, apply)


def relay(line: bytes) -> None:
    """Add a line of another process to this log, unchanged."""
    _handler.relay(line.decode("utf-8", "surrogateescape").removesuffix("\n"))


def drain() -> None:
    """Wait until this process's lines are written, at most DRAIN_TIMEOUT. Also runs at exit."""
    _handler.drain()


def request_id() -> str | None:
    """Return the id of the current request, or of the request that caused the current task; None without one."""
    return structlog.contextvars.get_contextvars().get("request_id")


def _formatter(log_format: str) -> logging.Formatter:
    renderers: list[Any] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if log_format == "json"
        else [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=SHARED,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
    )
