"""Fault injection: kill, freeze, cut and flush the parts of a running product."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psutil
import redis

from app.embedded import redis as embedded_redis
from app.embedded.data_dir import read_secret, short_path
from tests.support.product import Product
from tests.support.waiting import wait_until

COMMAND_LINES = {
    "postgres": "bin/postgres -D",
    "redis": "redis-server",
    "web": "-m gunicorn",
    "worker": "-n worker",
    "previewer": "-n previewer",
    "reader": "-n reader",
    "reconciler": "runs reconcile",
}
QUEUE = "job-ingestion:ingestion"

RECOVERY_SECONDS = 60
"""Time limit for /readyz to be ok again after the last fault."""


def main_process(product: Product, name: str, seconds: float = 30) -> psutil.Process:
    """Return the main process of that name; wait for it if it is being restarted."""

    def found() -> psutil.Process | None:
        with suppress(StopIteration, psutil.Error):
            return product.main_process(COMMAND_LINES[name])
        return None

    return wait_until(found, seconds, f"a process of {name}")


def main_processes(product: Product, name: str, seconds: float = 30) -> list[psutil.Process]:
    """Return the main processes of that name; wait until there is one."""

    def found() -> list[psutil.Process]:
        matching = product.processes_matching(COMMAND_LINES[name])
        return [each for each in matching if _attribute(each, "ppid") not in {process.pid for process in matching}]

    return wait_until(found, seconds, f"processes of {name}")


def children(product: Product, name: str) -> list[psutil.Process]:
    """Return the child processes of the main process of that name."""
    with suppress(psutil.Error):
        return main_process(product, name).children()
    return []


def all_processes(product: Product, name: str) -> list[psutil.Process]:
    """Return every process of that name. PostgreSQL's are found by program: its sessions change their command lines."""
    if name == "postgres":
        return [process for process in product.processes() if _attribute(process, "name") == "postgres"]
    return product.processes_matching(COMMAND_LINES[name])


def kill(product: Product, name: str) -> None:
    """Send SIGKILL to the main process of that name and to its children. Wait for the process to exist first."""
    main, *others = [main_process(product, name), *children(product, name)]
    main.kill()
    for process in others:
        with suppress(psutil.Error):
            process.kill()


@contextmanager
def frozen(product: Product, name: str) -> Iterator[None]:
    """Suspend every process of that name inside this block. They keep their connections and locks."""
    held = wait_until(lambda: all_processes(product, name), 30, f"a process of {name}")
    for process in held:
        with suppress(psutil.Error):
            process.suspend()
    try:
        yield
    finally:
        for process in held:
            with suppress(psutil.Error):
                process.resume()


@contextmanager
def kept_down(product: Product, name: str) -> Iterator[None]:
    """Kill the processes of that name, and prevent their restart inside this block."""
    victim = main_process(product, name)
    product.suspend_launcher()
    try:
        kill(product, name)
        # A dead child of the frozen launcher stays a zombie.
        wait_until(lambda: _has_ended(victim), 30, f"the end of {name}")
        yield
    finally:
        product.resume_launcher()


def _has_ended(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def broker(product: Product, timeout: float | None = 5) -> "redis.Redis":
    """Return a connection to the product's own Redis."""
    path = str(embedded_redis.redis_socket(short_path(product.data_dir)))
    secret = read_secret(product.data_dir, "redis.password")
    return redis.Redis(unix_socket_path=path, password=secret, socket_timeout=timeout)


def cut_redis(product: Product) -> int:
    """Make Redis close every client connection; return their number. Raises RedisError if Redis does not answer."""
    with broker(product) as client:
        return sum(int(client.client_kill_filter(_type=kind, skipme=True)) for kind in ("normal", "pubsub"))


def cut_postgres(product: Product) -> int:
    """Terminate every session at PostgreSQL; return their number. Raises psycopg.Error if it does not answer."""
    return len(
        product.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
    )


def flush_redis(product: Product) -> tuple[int, int]:
    """Send FLUSHALL; return the numbers of queued messages before and after, in one transaction. Raises RedisError."""
    with broker(product) as client, client.pipeline(transaction=True) as steps:
        before, _, after = steps.llen(QUEUE).flushall().llen(QUEUE).execute()
    return int(before), int(after)


def count_queued(product: Product) -> int:
    """Return the number of messages in the queue."""
    with broker(product) as client:
        return int(client.llen(QUEUE))


def recover(product: Product) -> None:
    """Resume all frozen processes, and wait until /readyz is ok."""
    product.resume()
    wait_until(lambda: product.health() == "ok", RECOVERY_SECONDS, "recovery")


def count_threads(product: Product, name: str) -> int:
    """Return the number of threads of all processes of that name."""
    return sum(_attribute(process, "num_threads") for process in product.processes_matching(COMMAND_LINES[name]))


def _attribute(process: psutil.Process, name: str) -> Any:
    try:
        return getattr(process, name)()
    except psutil.Error:
        return 0
