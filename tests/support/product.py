"""The whole product, as ``make run`` starts it, in a data folder and on a port of its own."""

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
from tests.support.waiting import PATIENCE_SECONDS, wait_until

RECOVERY_SECONDS = PATIENCE_SECONDS

START_SECONDS = 300
"""More than the launcher's own limits together."""

MEASURE = ["-m", "coverage", "run", "--rcfile=/dev/null", "--branch", "--parallel-mode", "--source=app"]
"""Measures the launcher alone. In the processes that it starts nothing is left to be seen that other tests do not show,
and being measured would double the time that they take to start."""


def free_port() -> int:
    """A port that nobody listens on, and that neither the system nor another suite gives away while this process lives.

    The port of the same number that UDP has is the claim to it; the system gives away those above.
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
    """What the product answered to one request."""

    status: int
    headers: Mapping[str, str]
    document: Any


class Product:
    """One start of the launcher after the other, on the same data."""

    project: Path = PROJECT
    python: str = sys.executable

    def __init__(self, data_dir: Path, measured: bool = True, **environment: str) -> None:
        self.data_dir = data_dir
        self.measured = measured and any(name.startswith("COVERAGE_") for name in os.environ)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        ours = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
        self.environment = {
            **ours, "DATA_DIR": str(data_dir), "PORT": str(self.port), "WEB_WORKERS": "1", **environment
        }
        with tempfile.NamedTemporaryFile(prefix="ji-log-", delete=False) as log:
            self.log = Path(log.name)
        self.launcher: subprocess.Popen[bytes] | None = None

    @property
    def program(self) -> list[str]:
        """What Python is told to run: the launcher."""
        return [*(MEASURE if self.measured else []), "run.py"]

    def launch(self) -> "subprocess.Popen[bytes]":
        """Start the launcher and return at once; its output replaces that of the start before."""
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
        """Start the launcher and return when it says that the product is ready.

        Of all processes of the suite one does so at a time: the product itself knows how long a start may take.
        """
        with open_folder(Path("/tmp")) as folder:
            fcntl.flock(folder, fcntl.LOCK_EX)
            launcher = self.launch()
            with suppress(AssertionError):
                wait_until(lambda: "is ready at" in self.printed() or launcher.poll() is not None, START_SECONDS)
        assert "is ready at" in self.printed() and launcher.poll() is None, self.printed()

    def refused(self) -> str:
        """Start the launcher where it must not come up; returns all that it said, once it has ended with code 1."""
        launcher = self.launch()
        assert launcher.wait(PATIENCE_SECONDS) == 1, self.printed()
        return self.printed()

    def launch_command(self, *words: str) -> "subprocess.Popen[str]":
        """Start ``flask --app wsgi …`` in this data folder, as an operator does, and return at once."""
        command = [sys.executable, "-m", "flask", "--app", "wsgi", *words]
        pipe = subprocess.PIPE
        streams = {"stdin": pipe, "stdout": pipe, "stderr": pipe}
        return subprocess.Popen(command, cwd=PROJECT, env=self.environment, text=True, **streams)

    def command(self, *words: str, stdin: str | None = None) -> "subprocess.CompletedProcess[str]":
        """The same, run to its end."""
        command = self.launch_command(*words)
        output, errors = command.communicate(stdin, timeout=PATIENCE_SECONDS)
        return subprocess.CompletedProcess(words, command.returncode, output, errors)

    def printed(self) -> str:
        """All that the processes of this start have said."""
        return self.log.read_text()

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Ask the launcher to stop, as Ctrl-C does, and return its exit code."""
        assert self.launcher is not None
        self.launcher.send_signal(number)
        return self.launcher.wait(PATIENCE_SECONDS)

    def end(self) -> None:
        """Leave nothing running, however the test went."""
        if self.launcher:
            self.launcher.kill()
            self.launcher.wait(PATIENCE_SECONDS)
        while processes := self.processes():
            for process in processes:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(processes, timeout=5)
        self.log.unlink(missing_ok=True)
        shutil.rmtree(make_metrics_folder(self.data_dir))

    def ask(self, method: str, path: str, timeout: float = 10, **headers: str) -> Answer:
        """One request; OSError if there is no answer."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(f"{self.url}{path}", method=method, headers=names)
        try:
            answer = urllib.request.urlopen(request, timeout=timeout)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return Answer(answer.status, answer.headers, json.load(answer))

    def call(self, method: str, path: str, timeout: float = 10, **headers: str) -> tuple[int, Any]:
        """One request; returns the code and the JSON document."""
        answer = self.ask(method, path, timeout, **headers)
        return answer.status, answer.document

    def start_run(self) -> int:
        """POST /start, which must succeed; returns the run's id."""
        status, document = self.call("POST", "/api/ingestion/start")
        assert status == 201, document
        return int(document["run_id"])

    def run(self, run_id: int) -> dict[str, Any]:
        """The run in full."""
        status, document = self.call("GET", f"/api/ingestion/runs/{run_id}")
        assert status == 200, document
        return dict(document)

    def current_run(self) -> int | None:
        """The id of the active run."""
        return self.call("GET", "/api/ingestion/current-run")[1]["run_id"]

    def receipts(self, run_id: int) -> int:
        """How often a worker said that it received this run's message."""
        return sum(event["run_id"] == run_id for event in events(self.printed(), "run received"))

    def sql(self, statement: str, *values: Any) -> list[Any]:
        """Run a statement in the product's own database, typed by hand, and return its rows."""
        with self.connect() as connection:
            connection.autocommit = True
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def connect(self) -> "psycopg.Connection[Any]":
        """A connection to the product's own database, for what one statement cannot do."""
        url = urlsplit(embedded_postgres.database_url(self.data_dir))
        address = {"user": url.username, "password": url.password, "dbname": url.path[1:]}
        return psycopg.connect(host=unquote(url.query.removeprefix("host=")), **address)

    def broker(self) -> "redis.Redis":
        """A connection to the product's own Redis."""
        path = str(embedded_redis.redis_socket(short_path(self.data_dir)))
        password = read_secret(self.data_dir, "redis.password")
        return redis.Redis(unix_socket_path=path, password=password, socket_timeout=60)

    def flush_redis(self) -> None:
        """Empty the product's own Redis: messages and counted tries."""
        with self.broker() as broker:
            broker.flushall()

    def health(self) -> str | None:
        """The word of /readyz, or None while nobody answers."""
        try:
            return self.call("GET", "/readyz", timeout=5)[1]["status"]
        except OSError:
            return None

    def processes(self) -> list[psutil.Process]:
        """Everything that works for this data folder, the launcher itself left out."""
        psutil.process_iter.cache_clear()  # It takes whoever has a number by now for who had it before.
        return [process for process in psutil.process_iter() if self._works_here(process)]

    def sockets(self) -> list[Path]:
        """Every socket file below the data folder."""
        return [path for path in self.data_dir.rglob("*") if path.is_socket()]

    def suspend_launcher(self) -> None:
        """Freeze the launcher: what ends stays away, and what is logged is not read."""
        assert self.launcher is not None
        self.launcher.send_signal(signal.SIGSTOP)

    def resume_launcher(self) -> None:
        """Let the launcher go on."""
        if self.launcher and self.launcher.poll() is None:
            self.launcher.send_signal(signal.SIGCONT)

    def resume(self) -> None:
        """Let everybody go on who stands still, the launcher too."""
        self.resume_launcher()
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.resume()

    def team(self, words: str) -> list[psutil.Process]:
        """The processes whose command line has these words."""
        return [process for process in self.processes() if words in _command_line(process)]

    def main_process(self, words: str) -> psutil.Process:
        """The topmost process whose command line has these words; StopIteration if there is none."""
        found = self.team(words)
        ids = {process.pid for process in found}
        return next(process for process in found if process.ppid() not in ids)

    def _works_here(self, process: psutil.Process) -> bool:
        try:
            marked = process.environ().get("JOB_INGESTION_SUPERVISED") == str(self.data_dir)
            return marked or process.cwd().startswith(f"{self.data_dir}/")
        except (psutil.Error, OSError):
            return False


def refusal(data_dir: Path, lines: Collection[int] = (1,), **environment: str) -> str:
    """Start where it must be refused; returns what was said, which is that number of sentences and nothing else."""
    product = Product(data_dir, **environment)
    try:
        said = product.refused()
    finally:
        product.log.unlink()
    assert "Traceback" not in said
    assert len(said.splitlines()) in lines, said
    return said


def _command_line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A short path with a space in it; passable, because below root PostgreSQL runs as somebody else."""
    folder = Path(tempfile.mkdtemp(prefix="ji fault-", dir="/tmp"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def temporary_product(data_dir: Path, measured: bool = True, **environment: str) -> Iterator[Product]:
    """A product, not started, that leaves nothing behind."""
    product = Product(data_dir, measured, **environment)
    try:
        yield product
    finally:
        product.end()
        remove_short_link(data_dir)


def ensure_running(product: Product) -> Product:
    """Start the product unless it runs; one that a failed test left unwell is replaced, to fail no other test."""
    if product.launcher is None or product.launcher.poll() is not None or not _gets_well(product):
        product.end()
        product.start()
        assert _gets_well(product), product.printed()
    return product


def _gets_well(product: Product) -> bool:
    try:
        return wait_until(lambda: product.health() == "ok", RECOVERY_SECONDS)
    except AssertionError:
        return False
