"""Stop the processes that a killed launcher left running, before the next start."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil

from app.embedded.data_dir import postgres_home, redis_home
from app.embedded.on_demand import SUPERVISED
from app.embedded.redis import redis_socket

STOP_TIMEOUT = 15
"""Seconds from the stop signal until a process is killed."""


def stop_orphans(data_dir: Path) -> int:
    """Stop every process of this data folder, remove its sockets, and return the number of processes."""
    found = list(_orphans(data_dir))
    ids = {process.pid for process in found}
    for process in found:
        # A parent stops its own children. If a child were signalled too, the parent would treat its end as a crash.
        if _parent(process) not in ids:
            _signal(process, signal.SIGINT if _works_in(process, postgres_home(data_dir)) else signal.SIGTERM)
    _, alive = psutil.wait_procs(found, timeout=STOP_TIMEOUT)
    for process in alive:
        _signal(process, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=STOP_TIMEOUT)
    _remove_sockets(data_dir)
    return len(found)


def _orphans(data_dir: Path) -> Iterator[psutil.Process]:
    """Yield the processes of this data folder.

    Our processes have a marker in their environment. PostgreSQL and Redis overwrite their environment, so they are
    found by their working directory.
    """
    psutil.process_iter.cache_clear()  # Its cache confuses a new process with an old one of the same id.
    for process in psutil.process_iter():
        try:
            marked = process.environ().get(SUPERVISED) == str(data_dir)
            if process.pid != os.getpid() and (marked or any(_works_in(process, home) for home in _homes(data_dir))):
                yield process
        except (psutil.Error, OSError):
            continue


def _homes(data_dir: Path) -> tuple[Path, Path]:
    return postgres_home(data_dir), redis_home(data_dir)


def _works_in(process: psutil.Process, home: Path) -> bool:
    try:
        # A user's shell may be in the folder, too, so the name is checked.
        return process.name() in ("postgres", "redis-server") and Path(process.cwd()).is_relative_to(home.resolve())
    except (psutil.Error, OSError):
        return False


def _parent(process: psutil.Process) -> int | None:
    try:
        return process.ppid()
    except psutil.Error:
        return None


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        pass


def _remove_sockets(data_dir: Path) -> None:
    for path in (redis_socket(data_dir), *postgres_home(data_dir).glob(".s.PGSQL.*")):
        path.unlink(missing_ok=True)
