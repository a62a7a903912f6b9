"""The embedded PostgreSQL for the duration of a command, whether the product runs or not."""

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
"""The environment variable that marks every process that ``make run`` supervises; its value is the data folder."""

SERVER_TIMEOUT = 300
"""Seconds for the server to start, with crash recovery, or to stop, with the final checkpoint."""


@contextmanager
def postgres_on_demand(data_dir: Path, is_embedded: bool) -> Iterator[None]:
    """Keep the embedded PostgreSQL running inside this block; do nothing if the database is not embedded.

    While the product runs, its server is used. Otherwise the first of several commands starts the server, and the last
    one stops it. Each command holds a shared lock on the data folder; only the last can make it exclusive.
    Raises DataDirError.
    """
    if not is_embedded or os.environ.get(SUPERVISED):
        yield
        return
    make_data_dir(data_dir)
    with open_folder(data_dir) as folder:
        with start_stop_lock(data_dir):
            if shared := try_lock(folder, fcntl.LOCK_SH):
                _start_postgres(data_dir)
        try:
            yield
        finally:
            with start_stop_lock(data_dir):
                try:
                    if shared and try_lock(folder, fcntl.LOCK_EX):
                        _pg_ctl(data_dir, "stop", "-m", "fast")
                        remove_short_link(data_dir)
                finally:
                    # Release inside the start-stop lock, or the next command mistakes this lock for the product's.
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
        raise DataDirError(f"The embedded PostgreSQL did not start: read {log}.") from error


def _pg_ctl(data_dir: Path, *arguments: str) -> None:
    setpriv = setpriv_prefix(postgres_home(data_dir))
    waiting = ["-w", "-t", str(SERVER_TIMEOUT)]
    run([*setpriv, str(postgres_binary("pg_ctl")), "-D", str(cluster(data_dir)), *waiting, *arguments])
