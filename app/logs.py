"""Structured logs: one event a line, with the request, run and task it belongs to wherever there is one."""

import logging
import logging.config
import sys
from typing import Any, TextIO

import structlog
from structlog.typing import Processor

from app.outlet import Outlet

UNREAD = "%d lines of the log were dropped, because nobody read them"

SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


class LogHandler(logging.StreamHandler[TextIO]):
    """To stderr, without waiting for a reader who has stopped reading."""

    def __init__(self) -> None:
        super().__init__()
        try:
            self._outlet: Outlet | None = Outlet(self.stream.fileno())
        except (OSError, ValueError):
            # Not one of the system's files, but something in its place.
            self._outlet = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line; raises nothing."""
        if self._outlet is None:
            super().emit(record)
            return
        try:
            if dropped := self._outlet.write(f"{self.format(record)}\n".encode()):
                about = {"name": __name__, "levelno": logging.WARNING, "levelname": "WARNING", "msg": UNREAD % dropped}
                self._outlet.write(f"{self.format(logging.makeLogRecord(about))}\n".encode())
        except Exception:
            self.handleError(record)


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
            "handlers": {"stderr": {"()": LogHandler, "formatter": "event"}},
            "root": {"level": "INFO", "handlers": ["stderr"]},
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
