"""Structured logs: one event a line, with the request, run and task it belongs to wherever there is one."""

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
"""The one handler of a process."""

atexit.register(_handler.drain)


def configure(log_format: str) -> None:
    """Send our log lines and every library's to stderr: ``json``, a line an event, or ``console``, for reading."""
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
                # One line for each receipt and each success of a task that says so itself is one line too many.
                "celery.app.trace": {"level": "WARNING"},
                "celery.worker.strategy": {"level": "WARNING"},
            },
        }
    )
    logging.captureWarnings(True)


def start_listener(descriptor: int = STDERR, apply: BlockingCall = call_directly) -> None:
    """Write this process's lines to another descriptor, or by another way; without a call it is stderr, directly.

    ``apply(function, (data,))`` is for processes in which no thread may block, because all are greenlets.
    """
    _handler.write_to(descriptor, apply)


def relay(line: bytes) -> None:
    """Put a line that another process wrote among our own, as it is."""
    _handler.relay(line.decode("utf-8", "surrogateescape").removesuffix("\n"))


def drain() -> None:
    """Wait until this process's lines are written, for DRAIN_TIMEOUT at most; by default at its exit."""
    _handler.drain()


def request_id() -> str | None:
    """The id of the request that is being served, or on whose behalf a task runs."""
    return structlog.contextvars.get_contextvars().get("request_id")


def _formatter(log_format: str) -> logging.Formatter:
    rendering: list[Any] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if log_format == "json"
        else [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=SHARED,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
    )
