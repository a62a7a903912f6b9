"""The web server; gunicorn reads this file by itself: ``gunicorn wsgi:app``."""

import gc
import os
import runpy
import sys
from pathlib import Path

# As in wsgi.py, which turns it on again.
gc.disable()

# Before anything else, because prometheus_client looks for this when it is imported, which the package `app` does.
project = Path(__file__).resolve().parent
data_dir = Path(os.environ.get("DATA_DIR") or project / "data").absolute()
try:
    if given := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        Path(given).mkdir(mode=0o700, parents=True, exist_ok=True)
    else:
        make_metrics_folder = runpy.run_path(str(project / "app" / "data_dir.py"))["make_metrics_folder"]
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(make_metrics_folder(data_dir))
except OSError as error:
    sys.exit(f"DATA_DIR cannot hold {error.filename} ({error.strerror}): make it writable.")

import json
import select
import shutil
import socket
import struct
import uuid
from http import HTTPStatus
from typing import Any

import gunicorn.util
from gunicorn.glogging import Logger
from gunicorn.http.errors import ParseException
from prometheus_client import multiprocess

from app.config import Settings, SettingsError
from app.observability import logs
from app.problems import PROBLEM_JSON, problem_document

SLOW_CLIENT_SECONDS = 5
"""How long a thread waits for the next bytes of a long request, or for a client to take those of an answer."""

settings = Settings.from_env()
settings.check_serving()
logs.configure(settings.log_format)

bind = f"[{settings.host}]:{settings.port}" if ":" in settings.host else f"{settings.host}:{settings.port}"
workers = settings.web_workers
threads = settings.web_threads
# gunicorn's own where the kernel has no epoll, as on macOS.
worker_class = "app.gunicorn_worker.Worker" if hasattr(select, "epoll") else "gthread"
# Fewer than the 1,024 files that a process may have open on most systems.
worker_connections = 800
# One copy of the code in memory for all workers; nothing is connected before the fork.
preload_app = True
graceful_timeout = 10
keepalive = 5
umask = 0o077
# gunicorn's own control channel would lie outside the data folder; the supervisor restarts, nobody else steers.
control_socket_disable = True
# What proxies say is for ProxyFix to believe, when PROXY_HOPS says that there are any; gunicorn itself believes nobody.
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}
worker_tmp_dir = os.environ["PROMETHEUS_MULTIPROC_DIR"]


class logger_class(Logger):  # the name is gunicorn's setting
    """gunicorn's lines go the way of all others; requests are logged by the application."""

    def setup(self, cfg: Any) -> None:
        """Leave handlers and levels to app/observability/logs.py."""
        self.error_log.propagate = True
        self.access_log.propagate = False

    def access(self, resp: Any, req: Any, environ: Any, request_time: Any) -> None:
        """Nothing, and without first looking for somebody who would want it."""

    def warning(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """What is wrong with a request that is no HTTP is quoted from it, be it a password: only the kind is told."""
        error = sys.exc_info()[1]
        if isinstance(error, ParseException):
            msg, args = f"{msg.partition(': ')[0]}: %s", (type(error).__name__,)
        super().warning(msg, *args, **kwargs)

    def exception(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """A client that was too slow is no error of ours, and may not fill the log with stack traces.

        Of an address the query is left out, where somebody may have put a token.
        """
        if isinstance(sys.exc_info()[1], BlockingIOError):
            self.error_log.info("slow client given up")
        else:
            super().exception(msg, *(str(each).partition("?")[0] for each in args), **kwargs)


def on_starting(server: Any) -> None:
    """Check what it will listen on, which its command line may have changed."""
    if server.cfg.is_ssl:
        raise SettingsError("TLS ends at a proxy in front, not here: leave certfile and keyfile out.")
    settings.check_serving(*(address[0] for address in server.cfg.address if isinstance(address, tuple)))


def when_ready(server: Any) -> None:
    """Let no client hold a thread by taking nothing: accepted connections inherit these time limits."""
    limit = struct.pack("ll", SLOW_CLIENT_SECONDS, 0)
    for listener in server.LISTENERS:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)


def child_exit(server: Any, worker: Any) -> None:
    """Forget the gauges of a process that is gone; its counters stay."""
    multiprocess.mark_process_dead(worker.pid)


def on_exit(server: Any) -> None:
    """Remove the metrics folder if it is ours alone: it was not given, and no successor (SIGUSR2) has inherited it."""
    if not given and not server.reexec_pid:
        shutil.rmtree(worker_tmp_dir, ignore_errors=True)


def answer_malformed(client: socket.socket, status: int, _reason: str, _message: str) -> None:
    """Answer what never reaches the application, because it is no HTTP, with a problem document, not gunicorn's page.

    Its message quotes the request and is left out. A transfer coding that is not known is bad input, no 501 of ours.
    """
    kind = HTTPStatus.BAD_REQUEST if status == HTTPStatus.NOT_IMPLEMENTED else HTTPStatus(status)
    ours = kind >= HTTPStatus.INTERNAL_SERVER_ERROR
    detail = "Something went wrong here." if ours else "The request is not well-formed HTTP, or too long."
    request_id = uuid.uuid4().hex
    document = problem_document(kind, "internal_error" if ours else "bad_request", detail, request_id)
    body = json.dumps(document) + "\n"
    head = (
        f"HTTP/1.1 {kind.value} {kind.phrase}\r\nConnection: close\r\nContent-Type: {PROBLEM_JSON}\r\n"
        f"Content-Length: {len(body)}\r\nX-Request-ID: {request_id}\r\n\r\n"
    )
    gunicorn.util.write_nonblock(client, (head + body).encode())


gunicorn.util.write_error = answer_malformed
