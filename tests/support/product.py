"""The whole product, started as by ``make run``, with its own data folder and port."""

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psutil
import psycopg
import redis

from app.config.settings import PROJECT
from app.embedded import postgres as embedded_postgres
from app.embedded import redis as embedded_redis
from app.embedded.data_dir import make_metrics_folder, open_folder, read_secret, remove_short_link, short_path
from tests.support.lines import events
from tests.support.waiting import WAIT_TIMEOUT, wait_until
from tests.support.workers import PLACEHOLDER

RECOVERY_SECONDS = WAIT_TIMEOUT

START_SECONDS = 300
"""Seconds that a start may take; more than the sum of the launcher's own limits."""

COVERAGE_ARGUMENTS = ["-m", "coverage", "run", "--rcfile=/dev/null", "--branch", "--parallel-mode", "--source=app"]
"""Arguments that measure the coverage of the launcher alone.

Other tests cover its child processes, and measuring those would double the time that they take to start.
"""


def free_port() -> int:
    """Return a free port and reserve it for the life of this process.

    The UDP port of the same number stays bound: it reserves the port against other test runs. The range lies below the
    ephemeral ports, so the system does not assign it.
    """
    for port in range(20_000, 32_768):
        with suppress(OSError), socket.socket() as probe, socket.socket(type=socket.SOCK_DGRAM) as claim:
            claim.bind(("127.0.0.1", port))
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            claim.detach()
            return port
    raise AssertionError("No port is free.")


@dataclass(frozen=True)
class Answer:
    """The response of the product to one request."""

    status: int
    headers: Mapping[str, str]
    document: Any


class Product:
    """One installation of the product: its data folder, port and launcher. Runs stay pending without INGESTION=run."""

    project: Path = PROJECT
    python: str = sys.executable

    def __init__(self, data_dir: Path, measured: bool = True, **environment: str) -> None:
        self.data_dir = data_dir
        self.measured = measured and any(name.startswith("COVERAGE_") for name in os.environ)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        ours = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
        self.environment = {
            **ours,
            **PLACEHOLDER,
            "DATA_DIR": str(data_dir),
            "PORT": str(self.port),
            "WEB_WORKERS": "1",
            **environment,
        }
        with tempfile.NamedTemporaryFile(prefix="ji-log-", delete=False) as log:
            self.log = Path(log.name)
        self.launcher: subprocess.Popen[bytes] | None = None

    @property
    def program(self) -> list[str]:
        """The arguments of Python that run the launcher."""
        return [*(COVERAGE_ARGUMENTS if self.measured else []), "run.py"]

    def launch(self) -> "subprocess.Popen[bytes]":
        """Start the launcher and return at once; its output replaces that of the previous start."""
        self.log.write_bytes(b"")
        with self.log.open("ab") as output:
            self.launcher = subprocess.Popen(
                [self.python, *self.program],
                cwd=self.project,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        return self.launcher

    def start(self) -> None:
        """Start the launcher and return once it reports that the product is ready.

        A lock lets only one process of the suite start a product at a time: the launcher limits the time of a start.
        """
        with open_folder(Path("/tmp")) as folder:
            fcntl.flock(folder, fcntl.LOCK_EX)
            launcher = self.launch()
            with suppress(AssertionError):
                wait_until(lambda: "is ready at" in self.output() or launcher.poll() is not None, START_SECONDS)
        assert "is ready at" in self.output() and launcher.poll() is None, self.output()

    def expect_refusal(self) -> str:
        """Start the launcher, expect it to exit with code 1, and return its output."""
        launcher = self.launch()
        assert launcher.wait(WAIT_TIMEOUT) == 1, self.output()
        return self.output()

    def launch_command(self, *words: str) -> "subprocess.Popen[str]":
        """Start ``flask --app wsgi …`` on this data folder, as an operator does, and return at once."""
        command = [sys.executable, "-m", "flask", "--app", "wsgi", *words]
        pipe = subprocess.PIPE
        streams = {"stdin": pipe, "stdout": pipe, "stderr": pipe}
        return subprocess.Popen(command, cwd=PROJECT, env=self.environment, text=True, **streams)

    def command(self, *words: str, stdin: str | None = None) -> "subprocess.CompletedProcess[str]":
        """Run ``flask --app wsgi …`` to its end."""
        command = self.launch_command(*words)
        output, errors = command.communicate(stdin, timeout=WAIT_TIMEOUT)
        return subprocess.CompletedProcess(words, command.returncode, output, errors)

    def output(self) -> str:
        """Return the output of all processes of this start."""
        return self.log.read_text()

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send the launcher a signal, by default that of Ctrl-C, and return its exit code."""
        assert self.launcher is not None
        self.launcher.send_signal(number)
        return self.launcher.wait(WAIT_TIMEOUT)

    def kill(self) -> None:
        """Kill every process and delete the log and the metrics folder."""
        if self.launcher:
            self.launcher.kill()
            self.launcher.wait(WAIT_TIMEOUT)
        while processes := self.processes():
            for process in processes:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(processes, timeout=5)
        self.log.unlink(missing_ok=True)
        shutil.rmtree(make_metrics_folder(self.data_dir))

    def request(self, method: str, path: str, timeout: float = 10, **headers: str) -> Answer:
        """Send a request and return the response. Raises OSError if there is none."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(f"{self.url}{path}", method=method, headers=names)
        try:
            answer = urllib.request.urlopen(request, timeout=timeout)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return Answer(answer.status, answer.headers, json.load(answer))

    def request_json(self, method: str, path: str, timeout: float = 10, **headers: str) -> tuple[int, Any]:
        """Send a request and return the status and the JSON document."""
        answer = self.request(method, path, timeout, **headers)
        return answer.status, answer.document

    def start_run(self) -> int:
        """Start a run, which must succeed, and return its id."""
        status, document = self.request_json("POST", "/api/ingestion/start")
        assert status == 201, document
        return int(document["run_id"])

    def run(self, run_id: int) -> dict[str, Any]:
        """Return the run in full."""
        status, document = self.request_json("GET", f"/api/ingestion/runs/{run_id}")
        assert status == 200, document
        return dict(document)

    def current_run_id(self) -> int | None:
        """Return the id of the active run, or None."""
        return self.request_json("GET", "/api/ingestion/current-run")[1]["run_id"]

    def receipts(self, run_id: int) -> int:
        """Return how many times workers logged that they received this run's message."""
        return sum(event["run_id"] == run_id for event in events(self.output(), "run received"))

    def sql(self, statement: str, *values: Any) -> list[Any]:
        """Run a statement in the product's own database and return its rows. Commits."""
        with self.connect() as connection:
            connection.autocommit = True
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def connect(self) -> "psycopg.Connection[Any]":
        """Return a connection to the product's own database, for transactions of several statements."""
        url = urlsplit(embedded_postgres.database_url(self.data_dir))
        address = {"user": url.username, "password": url.password, "dbname": url.path[1:]}
        return psycopg.connect(host=unquote(url.query.removeprefix("host=")), **address)

    def broker(self) -> "redis.Redis":
        """Return a connection to the product's own Redis."""
        path = str(embedded_redis.redis_socket(short_path(self.data_dir)))
        password = read_secret(self.data_dir, "redis.password")
        return redis.Redis(unix_socket_path=path, password=password, socket_timeout=60)

    def flush_redis(self) -> None:
        """Delete everything in the product's own Redis."""
        with self.broker() as broker:
            broker.flushall()

    def health(self) -> str | None:
        """Return the status of /readyz, or None while nothing answers."""
        try:
            return self.request_json("GET", "/readyz", timeout=5)[1]["status"]
        except OSError:
            return None

    def processes(self) -> list[psutil.Process]:
        """Return all processes of this data folder except the launcher."""
        psutil.process_iter.cache_clear()  # The cache mistakes a process for an earlier one with the same id.
        return [process for process in psutil.process_iter() if self._belongs_here(process)]

    def sockets(self) -> list[Path]:
        """Return every socket file below the data folder."""
        return [path for path in self.data_dir.rglob("*") if path.is_socket()]

    def suspend_launcher(self) -> None:
        """Freeze the launcher: it restarts no process and reads no log."""
        assert self.launcher is not None
        self.launcher.send_signal(signal.SIGSTOP)

    def resume_launcher(self) -> None:
        """Resume the launcher."""
        if self.launcher and self.launcher.poll() is None:
            self.launcher.send_signal(signal.SIGCONT)

    def resume(self) -> None:
        """Resume every suspended process, the launcher included."""
        self.resume_launcher()
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.resume()

    def processes_matching(self, words: str) -> list[psutil.Process]:
        """Return the processes whose command line contains these words."""
        return [process for process in self.processes() if words in _command_line(process)]

    def main_process(self, words: str) -> psutil.Process:
        """Return the topmost process whose command line contains these words. Raises StopIteration if there is none."""
        found = self.processes_matching(words)
        ids = {process.pid for process in found}
        return next(process for process in found if process.ppid() not in ids)

    def _belongs_here(self, process: psutil.Process) -> bool:
        try:
            marked = process.environ().get("JOB_INGESTION_SUPERVISED") == str(self.data_dir)
            return marked or process.cwd().startswith(f"{self.data_dir}/")
        except (psutil.Error, OSError):
            return False


def refusal(data_dir: Path, allowed_line_counts: Collection[int] = (1,), **environment: str) -> str:
    """Start a product that the launcher must refuse; return its output.

    Fail unless the number of its lines is allowed and it has no traceback.
    """
    product = Product(data_dir, **environment)
    try:
        output = product.expect_refusal()
    finally:
        product.log.unlink()
    assert "Traceback" not in output
    assert len(output.splitlines()) in allowed_line_counts, output
    return output


def _command_line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Create a folder with a short path that contains a space.

    Other users may pass through it: under root, PostgreSQL runs as another user.
    """
    folder = Path(tempfile.mkdtemp(prefix="ji fault-", dir="/tmp"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def temporary_product(
    data_dir: Path, measured: bool = True, kind: type[Product] = Product, **environment: str
) -> Iterator[Product]:
    """Yield a product that is not started; afterwards kill its processes and delete its log, metrics and short link."""
    product = kind(data_dir, measured, **environment)
    try:
        yield product
    finally:
        product.kill()
        remove_short_link(data_dir)


def ensure_running(product: Product) -> Product:
    """Start the product unless it runs; restart one that a failed test left unhealthy, so that no other test fails."""
    if product.launcher is None or product.launcher.poll() is not None or not _becomes_healthy(product):
        product.kill()
        product.start()
        assert _becomes_healthy(product), product.output()
    return product


def _becomes_healthy(product: Product) -> bool:
    try:
        return wait_until(lambda: product.health() == "ok", RECOVERY_SECONDS)
    except AssertionError:
        return False
