"""Configuration of the web server; gunicorn reads this file by default: ``gunicorn wsgi:app``."""

import os

# Patch before any other import: modules imported earlier keep blocking sockets. psycopg, for instance, chooses its wait
# function at import.
if os.environ.get("WEB_WORKER_CLASS", "gevent") == "gevent":
    from gevent import monkey

    monkey.patch_all()

import atexit
import runpy
import shutil
import sys
from pathlib import Path

# Set PROMETHEUS_MULTIPROC_DIR before importing `app`: prometheus_client reads it at import.
project = Path(__file__).resolve().parent
data_dir = Path(os.environ.get("DATA_DIR") or project / "data").absolute()


def remove_metrics() -> None:
    """Remove the metrics folder when the process that created it exits, also after a refused start."""
    if os.environ["PROMETHEUS_MULTIPROC_DIR"].endswith(f"-{os.getpid()}"):
        shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)


try:
    if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    else:
        make_metrics_folder = runpy.run_path(str(project / "app" / "embedded" / "data_dir.py"))["make_metrics_folder"]
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(make_metrics_folder(data_dir, os.getpid()))
        atexit.register(remove_metrics)
except OSError as error:
    sys.exit(f"{error.filename} cannot be created ({error.strerror}): make DATA_DIR writable, or choose another one.")

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
from app.api.http.guards import common_headers
from app.api.http.problems import PROBLEM_JSON, problem_document
from app.concurrency.greenlets import runs_on_gevent, yield_to_others
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
# For gthread only. A request may hold a PostgreSQL connection until it ends.
threads = settings.web_database_connections
# All workers share one copy of the code in memory. No connection is opened before the fork.
preload_app = True
graceful_timeout = 10
# Seconds for a connection to send the next request's line and headers.
keepalive = 1
umask = 0o077
# gunicorn's control socket would be outside the data folder, and nothing uses it.
control_socket_disable = True
# gunicorn itself trusts no proxy headers; ProxyFix does, according to PROXY_HOPS.
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}
# In memory, as gunicorn advises: on a slow disk a healthy worker could look dead.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class logger_class(Logger):  # the name is gunicorn's setting
    """A logger that passes gunicorn's lines on to our own log. The application logs requests."""

    def setup(self, cfg: Any) -> None:
        """Use the handlers and levels of our own logging."""
        self.error_log.propagate = True
        self.access_log.propagate = False

    def access(self, resp: Any, req: Any, environ: Any, request_time: Any) -> None:
        """Log nothing: the application logs requests."""

    def warning(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Log only the kind of a malformed request: gunicorn quotes the request, which may contain a password."""
        error = sys.exc_info()[1]
        if isinstance(error, ParseException):
            msg, args = f"{msg.partition(': ')[0]}: %s", (type(error).__name__,)
        super().warning(msg, *args, **kwargs)

    def exception(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Log no stack trace for a slow client, and no query string, which may contain a token."""
        if isinstance(sys.exc_info()[1], TimeoutError):
            self.error_log.info("slow client disconnected")
        else:
            super().exception(msg, *(str(each).partition("?")[0] for each in args), **kwargs)


def start_log() -> None:
    """Write the log on a native thread: a write that blocks would stop all greenlets."""
    if runs_on_gevent():
        logs.start_listener(apply=ThreadPool(1).apply)


def on_starting(server: Any) -> None:
    """Check the settings that the command line may have overridden, and start the log of this process."""
    start_log()
    if server.cfg.is_ssl:
        raise SettingsError(
            "This server does not support TLS. Remove certfile and keyfile, and put a TLS proxy in front of it."
        )
    if server.cfg.worker_class_str != settings.web_worker_class:
        raise SettingsError(f"Set WEB_WORKER_CLASS instead of --worker-class; it is {settings.web_worker_class} now.")
    settings.check_serving(*(address[0] for address in server.cfg.address if isinstance(address, tuple)))


def when_ready(server: Any) -> None:
    """Limit the send buffers, and exclude the objects loaded so far from garbage collection."""
    gc.freeze()
    # Accepted connections inherit the size; it bounds the memory of clients that read nothing.
    for listener in server.LISTENERS:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)


def post_fork(_server: Any, _worker: Any) -> None:
    """Start the log of this process."""
    start_log()


def post_worker_init(_worker: Any) -> None:
    """Size the thread pool for all DNS look-ups: boards' may hang, and PostgreSQL and Redis need some too."""
    if runs_on_gevent():
        gevent.get_hub().threadpool.maxsize = MAX_LOOKUPS + RESERVED_LOOKUPS


def pre_request(_worker: Any, req: Any) -> None:
    """Close the connection after a request whose end is ambiguous, to prevent request smuggling."""
    if must_close(req.method, req.headers):
        req.force_close()


def post_request(_worker: Any, req: Any, environ: dict[str, Any], resp: Any) -> None:
    """Let other clients run, and give a client whose connection closes time to read the response."""
    if resp is not None and resp.should_close():
        linger(environ["gunicorn.socket"])
    elif req.req_number % MAX_REQUESTS_IN_A_ROW == 0:
        yield_to_others()


def child_exit(server: Any, worker: Any) -> None:
    """Remove the gauges of a process that has ended; its counters stay."""
    multiprocess.mark_process_dead(worker.pid)


def write_problem(client: socket.socket, status: int, _reason: str, _message: str) -> None:
    """Answer malformed HTTP, which never reaches the application, with a problem document instead of gunicorn's page.

    gunicorn's message is left out, because it quotes the request. An unknown transfer coding is answered with 400
    instead of 501.
    """
    kind = HTTPStatus.BAD_REQUEST if status == HTTPStatus.NOT_IMPLEMENTED else HTTPStatus(status)
    is_server_error = kind >= HTTPStatus.INTERNAL_SERVER_ERROR
    detail = "The server failed. Try again." if is_server_error else "The request is malformed or too long."
    request_id = uuid.uuid4().hex
    document = problem_document(kind, "internal_error" if is_server_error else "bad_request", detail, request_id)
    body = json.dumps(document) + "\n"
    headers = {
        "Connection": "close",
        "Content-Type": PROBLEM_JSON,
        "Content-Length": len(body),
        **common_headers(settings, request_id),
    }
    lines = [f"HTTP/1.1 {kind.value} {kind.phrase}", *(f"{name}: {value}" for name, value in headers.items()), "", body]
    gunicorn.util.write_nonblock(client, "\r\n".join(lines).encode())
    linger(client)


gunicorn.util.write_error = write_problem
