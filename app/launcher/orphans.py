"""Processes that a killed launcher has left running, and their end before the next start."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil

from app.embedded.data_dir import postgres_home, redis_home
from app.embedded.on_demand import SUPERVISED
from app.embedded.redis import redis_socket

STOP_TIMEOUT = 15
"""Seconds in which the processes may end by themselves before they are killed."""


def stop_orphans(data_dir: Path) -> int:
    """Stop every process that works for this data folder, remove its sockets, and return the number of processes."""
    found = list(_orphans(data_dir))
    ids = {process.pid for process in found}
    for process in found:
        # Its parent stops a child; to signal the child too would look like a crash to the parent.
        if _parent(process) not in ids:
            _signal(process, signal.SIGINT if _works_in(process, postgres_home(data_dir)) else signal.SIGTERM)
    _, alive = psutil.wait_procs(found, timeout=STOP_TIMEOUT)
    for process in alive:
        _signal(process, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=STOP_TIMEOUT)
    _remove_sockets(data_dir)
    return len(found)


def _orphans(data_dir: Path) -> Iterator[psutil.Process]:
    """Yield them: ours carry a mark in their environment. PostgreSQL and Redis overwrite theirs; they are known by the
    folder that they work in."""
    psutil.process_iter.cache_clear()  # It takes whoever has a number by now for who had it before.
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
        # A person's shell may stand in the folder too; the servers are told from it by their names.
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
