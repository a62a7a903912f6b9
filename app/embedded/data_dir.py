"""The data folder of one machine: where things lie in it, its secrets, its short name, and who holds it."""

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
"""A unix socket's path has at most 107 bytes (103 on macOS); a data folder longer than this is reached by a link."""

SHARED_MEMORY = Path("/dev/shm")
"""A file system in memory, on most Linux systems."""

MIN_SHARED_MEMORY_BYTES = 32 * 1024 * 1024
"""Free room there that is enough for the metrics of many processes; each takes up to 128 KiB."""


class DataDirError(Exception):
    """The data folder, or a server in it, cannot be used; the message is a sentence that says what to do."""


def make_data_dir(data_dir: Path) -> None:
    """Make the data folder if there is none; as root such that PostgreSQL's user can pass through. Raises OSError."""
    data_dir.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
    run_home(data_dir).mkdir(mode=0o700, exist_ok=True)


def postgres_home(data_dir: Path) -> Path:
    """The folder of the cluster and its socket; as root it belongs to the user that PostgreSQL is dropped to."""
    return data_dir / "postgres"


def redis_home(data_dir: Path) -> Path:
    """The folder of Redis's append-only file, configuration and socket."""
    return data_dir / "redis"


def run_home(data_dir: Path) -> Path:
    """The folder whose lock is held while servers are started or stopped."""
    return data_dir / "run"


def make_metrics_folder(data_dir: Path, owner: int | None = None) -> Path:
    """Make an empty folder for Prometheus's files: in memory where there is room, else in the data folder.

    The files are memory maps, and the kernel ends a process (SIGBUS) that writes to one on a full disk. The product
    that holds the data folder has the one without an ``owner``. A web server that runs alone is one, by its process id;
    what such servers left behind when they were killed is removed. Raises OSError.
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
    """Read the secret of that name; the first reader makes it, in one step that no other reader can see half done."""
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
    """Make the folder anew, so that it is empty, private and our own whoever made the one before. Raises OSError."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    return folder


# --- Its short name --------------------------------------------------------------------------------------------------


def short_path(data_dir: Path) -> Path:
    """The data folder under a name short enough for a socket: its own, or a link's that ``link`` makes."""
    if len(os.fsencode(data_dir)) <= MAX_DIRECT_PATH_LENGTH:
        return data_dir
    return Path("/tmp") / f"job-ingestion-{_digest(data_dir)}"


def _digest(data_dir: Path) -> str:
    return hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]


def create_short_link(data_dir: Path) -> None:
    """Make the short name point to the data folder. Raises DataDirError if somebody else took the name."""
    short = short_path(data_dir)
    if short == data_dir:
        return
    try:
        short.symlink_to(data_dir)
    except FileExistsError:
        pass
    if short.lstat().st_uid != os.geteuid() or not short.is_symlink() or short.readlink() != data_dir:
        raise DataDirError(f"{short} is not this product's link: remove it, or use a DATA_DIR with a shorter path.")


def remove_short_link(data_dir: Path) -> None:
    """Take the short name away again."""
    if (short := short_path(data_dir)) != data_dir:
        short.unlink(missing_ok=True)


# --- Who holds it ----------------------------------------------------------------------------------------------------
#
# The locks are on folders, so that no lock file is ever left behind, and the kernel lets go of them however their
# holder ends: on the data folder itself shared for a command that uses the embedded PostgreSQL, exclusive for the
# running product; on its folder ``run`` for whoever starts or stops servers at this moment.


@contextmanager
def product_lock(data_dir: Path) -> Iterator[bool]:
    """Hold the data folder for the running product; yields False if a product or a command holds it already."""
    with open_folder(data_dir) as folder:
        with start_stop_lock(data_dir):
            held = try_lock(folder, fcntl.LOCK_EX)
        yield held


@contextmanager
def start_stop_lock(data_dir: Path) -> Iterator[None]:
    """Nobody else starts or stops the servers of this data folder inside this block."""
    with open_folder(run_home(data_dir)) as folder:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield


@contextmanager
def open_folder(folder: Path) -> Iterator[int]:
    """A folder as a file descriptor, which is what a lock is taken on; closing it lets go of the lock."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def try_lock(descriptor: int, kind: int) -> bool:
    """Take the lock, or say that somebody else has it."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
