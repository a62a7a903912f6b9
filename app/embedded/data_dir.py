"""The data folder of one machine: its layout, its secrets, its short path, and its locks."""

import fcntl
import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MAX_DIRECT_PATH_LENGTH = 60
"""Bytes. A data folder with a longer path is reached by a link: a unix socket's path has at most 107 bytes (103 on
macOS)."""

SHARED_MEMORY = Path("/dev/shm")
"""The in-memory file system of most Linux systems."""

MIN_SHARED_MEMORY_BYTES = 32 * 1024 * 1024
"""Free space in SHARED_MEMORY that suffices for the metrics of many processes; each needs up to 128 KiB."""


class DataDirError(Exception):
    """The data folder, or a server in it, cannot be used. The message is a sentence that says what to do."""


def make_data_dir(data_dir: Path) -> None:
    """Create the data folder if it is missing. Raises OSError.

    The folder is private. Only under root may other users pass through it, because PostgreSQL runs as one of them.
    """
    data_dir.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
    run_home(data_dir).mkdir(mode=0o700, exist_ok=True)


def postgres_home(data_dir: Path) -> Path:
    """Return the folder of the cluster and its socket; under root it belongs to PostgreSQL's user."""
    return data_dir / "postgres"


def redis_home(data_dir: Path) -> Path:
    """Return the folder of Redis's append-only file, configuration and socket."""
    return data_dir / "redis"


def run_home(data_dir: Path) -> Path:
    """Return the folder that is locked while servers are started or stopped."""
    return data_dir / "run"


def make_metrics_folder(data_dir: Path, owner: int | None = None) -> Path:
    """Create an empty folder for Prometheus's files: in memory where there is space, else in the data folder.

    The files are memory maps; on a full disk the kernel would kill a process that writes to one (SIGBUS). ``owner`` is
    the process id of a web server that runs without the launcher; the launcher passes None. Folders of owners that no
    longer exist are removed. Raises OSError.
    """
    suffix = "" if owner is None else f"-{owner}"
    folder = SHARED_MEMORY / f"job-ingestion-{os.geteuid()}-{_digest(data_dir)}{suffix}"
    for abandoned in SHARED_MEMORY.glob(f"job-ingestion-{os.geteuid()}-{'?' * 16}-[0-9]*"):
        if not _process_exists(int(abandoned.name.rpartition("-")[2])):
            shutil.rmtree(abandoned, ignore_errors=True)
    with suppress(OSError):
        if shutil.disk_usage(SHARED_MEMORY).free >= MIN_SHARED_MEMORY_BYTES:
            return _recreate(folder)
    return _recreate(data_dir / f"metrics{suffix}")


def read_secret(data_dir: Path, name: str) -> str:
    """Read the secret with this name. The first reader creates it atomically."""
    path = data_dir / name
    if not path.exists():
        make_data_dir(data_dir)
        with tempfile.NamedTemporaryFile("w", dir=data_dir, prefix=".secret-") as fresh:
            fresh.write(secrets.token_urlsafe(24))
            fresh.flush()
            try:
                os.link(fresh.name, path)
            except FileExistsError:
                pass
    return path.read_text()


def _process_exists(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _recreate(folder: Path) -> Path:
    """Delete the folder, even another user's, and create it empty and private. Raises OSError."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    return folder


# --- Short path ------------------------------------------------------------------------------------------------------


def short_path(data_dir: Path) -> Path:
    """Return a path of the data folder that is short enough for a socket: its own, or ``create_short_link``'s link."""
    if len(os.fsencode(data_dir)) <= MAX_DIRECT_PATH_LENGTH:
        return data_dir
    return Path("/tmp") / f"job-ingestion-{_digest(data_dir)}"


def _digest(data_dir: Path) -> str:
    return hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]


def create_short_link(data_dir: Path) -> None:
    """Create the link at the short path, if one is needed. Raises DataDirError if something else has that path."""
    short = short_path(data_dir)
    if short == data_dir:
        return
    try:
        short.symlink_to(data_dir)
    except FileExistsError:
        pass
    if short.lstat().st_uid != os.geteuid() or not short.is_symlink() or short.readlink() != data_dir:
        raise DataDirError(
            f"{short} exists and is not this product's link: remove it, or use a DATA_DIR with a shorter path."
        )


def remove_short_link(data_dir: Path) -> None:
    """Remove the link at the short path."""
    if (short := short_path(data_dir)) != data_dir:
        short.unlink(missing_ok=True)


# --- Locks -----------------------------------------------------------------------------------------------------------
#
# Folders are locked, so no lock file is left behind, and the kernel releases a lock however its holder ends.
# The data folder is locked exclusively by the running product, and shared by commands that use the embedded PostgreSQL.
# Its folder ``run`` is locked while servers are started or stopped.


@contextmanager
def product_lock(data_dir: Path) -> Iterator[bool]:
    """Lock the data folder for the running product; yield False if another product or a command holds the lock."""
    with open_folder(data_dir) as folder:
        with start_stop_lock(data_dir):
            acquired = try_lock(folder, fcntl.LOCK_EX)
        yield acquired


@contextmanager
def start_stop_lock(data_dir: Path) -> Iterator[None]:
    """Wait for the lock under which the servers of this data folder are started and stopped, and hold it."""
    with open_folder(run_home(data_dir)) as folder:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield


@contextmanager
def open_folder(folder: Path) -> Iterator[int]:
    """Open a folder as a file descriptor, for locking; closing it releases the lock."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def try_lock(descriptor: int, kind: int) -> bool:
    """Acquire the lock without waiting; return False if another process holds it."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
