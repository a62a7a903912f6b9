"""The web server; gunicorn reads this file by itself: ``gunicorn wsgi:app``."""

import os

# First of all: what is imported before the patching keeps the blocking socket. psycopg chooses its way of waiting then.
if os.environ.get("WEB_WORKER_CLASS", "gevent") == "gevent":
    from gevent import monkey

    monkey.patch_all()

import atexit
import runpy
import shutil
import sys
from pathlib import Path

# Before anything else of ours, because prometheus_client looks for this when it is imported, which `app` does.
project = Path(__file__).resolve().parent
data_dir = Path(os.environ.get("DATA_DIR") or project / "data").absolute()


def remove_metrics() -> None:
    """Remove the metrics folder at the exit of the process that has made it, be its start refused."""
    if os.environ["PROMETHEUS_MULTIPROC_DIR"].endswith(f"-{os.getpid()}"):
        shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)


try:
    if given := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        Path(given).mkdir(mode=0o700, parents=True, exist_ok=True)
    else:
        make_metrics_folder = runpy.run_path(str(project / "app" / "embedded" / "data_dir.py"))["make_metrics_folder"]
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(make_metrics_folder(data_dir, os.getpid()))
        atexit.register(remove_metrics)
except OSError as error:
    sys.exit(f"DATA_DIR cannot hold {error.filename} ({error.strerror}): make it writable.")

import gc
import json
import socket
import uuid
from http import HTTPStatus
from typing import Any

import gevent
import gunicorn.util
from gevent.threadpool import ThreadPool
from gunicorn.glogging import Logger
from gunicorn.http.errors import ParseException
from prometheus_client import multiprocess

from app.api.http.connections import (
    MAX_REQUESTS_IN_A_ROW,
    RESERVED_LOOKUPS,
    SEND_BUFFER_BYTES,
    linger,
    must_close,
    raise_file_limit,
)
from app.api.http.problems import PROBLEM_JSON, problem_document
from app.concurrency.cooperative import is_cooperative, let_others_run
from app.config.settings import Settings, SettingsError
from app.observability import logs
from app.sources.http.ssrf import MAX_LOOKUPS

settings = Settings.from_env()
settings.check_serving()
logs.configure(settings.log_format)

bind = f"[{settings.host}]:{settings.port}" if ":" in settings.host else f"{settings.host}:{settings.port}"
workers = settings.web_workers
worker_class = settings.web_worker_class
worker_connections = raise_file_limit()
# For gthread alone; a request of its may hold a connection to PostgreSQL all the while.
threads = settings.web_database_connections
# One copy of the code in memory for all workers; nothing is connected before the fork.
preload_app = True
graceful_timeout = 10
# Seconds in which the next request of a connection must begin and its head be complete.
keepalive = 1
umask = 0o077
# gunicorn's own control channel would lie outside the data folder; the launcher restarts, and nothing else steers.
control_socket_disable = True
# ProxyFix trusts the headers of proxies, when PROXY_HOPS names any; gunicorn itself trusts none.
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}
# In memory, as gunicorn advises: a slow disk must not make a process look dead.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class logger_class(Logger):  # the name is gunicorn's setting
    """gunicorn's lines go the way of all others; requests are logged by the application."""

    def setup(self, cfg: Any) -> None:
        """Leave handlers and levels to our own logging."""
        self.error_log.propagate = True
        self.access_log.propagate = False

    def access(self, resp: Any, req: Any, environ: Any, request_time: Any) -> None:
        """Log nothing: the application logs requests."""

    def warning(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Name the kind of a malformed request only. gunicorn quotes it, and it may hold a password."""
        error = sys.exc_info()[1]
        if isinstance(error, ParseException):
            msg, args = f"{msg.partition(': ')[0]}: %s", (type(error).__name__,)
        super().warning(msg, *args, **kwargs)

    def exception(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Log no stack trace for a client that was too slow, and no query of an address: it may hold a token."""
        if isinstance(sys.exc_info()[1], TimeoutError):
            self.error_log.info("slow client disconnected")
        else:
            super().exception(msg, *(str(each).partition("?")[0] for each in args), **kwargs)


def start_log() -> None:
    """Write the log of this process on a native thread: a greenlet that waits for a reader would hold up all others."""
    if is_cooperative():
        logs.start_listener(apply=ThreadPool(1).apply)


def on_starting(server: Any) -> None:
    """Check what the command line may have changed, and begin to write the log of this process."""
    start_log()
    if server.cfg.is_ssl:
        raise SettingsError("TLS ends at a proxy in front, not here: leave certfile and keyfile out.")
    if server.cfg.worker_class_str != settings.web_worker_class:
        raise SettingsError(f"Set WEB_WORKER_CLASS, not --worker-class: it is {settings.web_worker_class} now.")
    settings.check_serving(*(address[0] for address in server.cfg.address if isinstance(address, tuple)))


def when_ready(server: Any) -> None:
    """Bound what waits in the kernel for a client that takes no answers: accepted connections inherit it.

    What is loaded by now stays, so the collector need not look through it, neither here nor in the workers.
    """
    gc.freeze()
    for listener in server.LISTENERS:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)


def post_fork(_server: Any, _worker: Any) -> None:
    """Begin to write the log of this process."""
    start_log()


def post_worker_init(_worker: Any) -> None:
    """Make room for all look-ups of boards' names, which may hang, and for those of PostgreSQL and Redis besides."""
    if is_cooperative():
        gevent.get_hub().threadpool.maxsize = MAX_LOOKUPS + RESERVED_LOOKUPS


def pre_request(_worker: Any, req: Any) -> None:
    """Let no other request follow on a connection where its beginning could be in doubt."""
    if must_close(req.method, req.headers):
        req.force_close()


def post_request(_worker: Any, req: Any, environ: dict[str, Any], resp: Any) -> None:
    """Give the other clients their turns, and a client whose connection closes the time to take the answer."""
    if resp is not None and resp.should_close():
        linger(environ["gunicorn.socket"])
    elif req.req_number % MAX_REQUESTS_IN_A_ROW == 0:
        let_others_run()


def child_exit(server: Any, worker: Any) -> None:
    """Forget the gauges of a process that is gone; its counters stay."""
    multiprocess.mark_process_dead(worker.pid)


def answer_malformed(client: socket.socket, status: int, _reason: str, _message: str) -> None:
    """Answer what is no HTTP, and so never reaches the application, with a problem document, not gunicorn's page.

    gunicorn's message quotes the request and is left out. An unknown transfer coding is bad input, no 501 of ours.
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
    linger(client)


gunicorn.util.write_error = answer_malformed
