"""The embedded PostgreSQL for the length of a command, whether the product runs or not."""

import fcntl
import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.embedded.data_dir import (
    DataDirError,
    make_data_dir,
    open_folder,
    postgres_home,
    remove_short_link,
    start_stop_lock,
    try_lock,
)
from app.embedded.postgres import cluster, postgres_binary, postgres_options, prepare_postgres, setpriv_prefix
from app.embedded.subprocesses import run

SUPERVISED = "JOB_INGESTION_SUPERVISED"
"""Set, to the data folder, in the environment of every process that ``make run`` supervises."""

SERVER_TIMEOUT = 300
"""Seconds for the server to start, crash recovery included, or to stop, final checkpoint included."""


@contextmanager
def postgres_on_demand(data_dir: Path, is_embedded: bool) -> Iterator[None]:
    """Keep the embedded PostgreSQL running inside this block; do nothing if the database is another one.

    While the product runs, its server is used. Otherwise the first of several commands starts the server and the last
    one stops it: each holds a shared lock on the data folder, and the last is the one that gets it exclusively.
    Raises DataDirError.
    """
    if not is_embedded or os.environ.get(SUPERVISED):
        yield
        return
    make_data_dir(data_dir)
    with open_folder(data_dir) as folder:
        with start_stop_lock(data_dir):
            if ours := try_lock(folder, fcntl.LOCK_SH):
                _start_postgres(data_dir)
        try:
            yield
        finally:
            with start_stop_lock(data_dir):
                try:
                    if ours and try_lock(folder, fcntl.LOCK_EX):
                        _pg_ctl(data_dir, "stop", "-m", "fast")
                        remove_short_link(data_dir)
                finally:
                    # Release inside the transition, else the next command takes this lock for the running product's.
                    fcntl.flock(folder, fcntl.LOCK_UN)


def _start_postgres(data_dir: Path) -> None:
    prepare_postgres(data_dir)
    try:
        _pg_ctl(data_dir, "status")
        return
    except DataDirError:
        pass
    log = postgres_home(data_dir) / "command.log"
    try:
        _pg_ctl(data_dir, "start", "-l", str(log), "-o", shlex.join(postgres_options(data_dir)))
    except DataDirError as error:
        raise DataDirError(f"The embedded PostgreSQL does not start; {log} says why.") from error


def _pg_ctl(data_dir: Path, *words: str) -> None:
    drop = setpriv_prefix(postgres_home(data_dir))
    waiting = ["-w", "-t", str(SERVER_TIMEOUT)]
    run([*drop, str(postgres_binary("pg_ctl")), "-D", str(cluster(data_dir)), *waiting, *words])
