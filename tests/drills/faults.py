"""What can be done to a running product; each fault leaves everything as its launcher would find it."""

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
    "worker": "-m celery",
    "reconciler": "runs reconcile",
}
QUEUE = "job-ingestion:ingestion"

RECOVERY_SECONDS = 60
"""Within which all is well again once nobody disturbs it."""


def main_process(product: Product, name: str, seconds: float = 30) -> psutil.Process:
    """The topmost process of that name, waited for if it is just being started again."""

    def found() -> psutil.Process | None:
        with suppress(StopIteration, psutil.Error):
            return product.main_process(COMMAND_LINES[name])
        return None

    return wait_until(found, seconds, f"a process of {name}")


def main_processes(product: Product, name: str, seconds: float = 30) -> list[psutil.Process]:
    """The topmost processes of that name, waited for as above."""

    def found() -> list[psutil.Process]:
        team = product.team(COMMAND_LINES[name])
        return [process for process in team if _attribute(process, "ppid") not in {each.pid for each in team}]

    return wait_until(found, seconds, f"processes of {name}")


def children(product: Product, name: str) -> list[psutil.Process]:
    """The processes below the main one of that name."""
    with suppress(psutil.Error):
        return main_process(product, name).children()
    return []


def all_processes(product: Product, name: str) -> list[psutil.Process]:
    """Every process of that name; PostgreSQL's sessions rewrite their command lines, and are known by their program."""
    if name == "postgres":
        return [process for process in product.processes() if _attribute(process, "name") == "postgres"]
    return product.team(COMMAND_LINES[name])


def kill(product: Product, name: str) -> None:
    """SIGKILL the main process, which must be there, and with it all of its kind."""
    main, *others = [main_process(product, name), *children(product, name)]
    main.kill()
    for process in others:
        with suppress(psutil.Error):
            process.kill()


@contextmanager
def frozen(product: Product, name: str) -> Iterator[None]:
    """Every process of that name, of which there must be one, holds its connections and does nothing."""
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
    """Killed, and not started again inside this block."""
    victim = main_process(product, name)
    product.suspend_launcher()
    try:
        kill(product, name)
        # Below a frozen parent it stays a zombie, which psutil knows as such.
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
    """A connection to the product's own Redis."""
    path = str(embedded_redis.redis_socket(short_path(product.data_dir)))
    secret = read_secret(product.data_dir, "redis.password")
    return redis.Redis(unix_socket_path=path, password=secret, socket_timeout=timeout)


def cut_redis(product: Product) -> int:
    """Close every connection to Redis, from its side; returns how many. Raises RedisError if it does not answer."""
    with broker(product) as client:
        return sum(int(client.client_kill_filter(_type=kind, skipme=True)) for kind in ("normal", "pubsub"))


def cut_postgres(product: Product) -> int:
    """End every session at PostgreSQL, whatever it is doing; returns how many. Raises psycopg.Error, as above."""
    return len(
        product.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
    )


def flush_redis(product: Product) -> tuple[int, int]:
    """FLUSHALL; returns how many messages were queued before and after, as one transaction. Raises RedisError."""
    with broker(product) as client, client.pipeline(transaction=True) as steps:
        before, _, after = steps.llen(QUEUE).flushall().llen(QUEUE).execute()
    return int(before), int(after)


def count_queued(product: Product) -> int:
    """How many messages no worker has popped."""
    with broker(product) as client:
        return int(client.llen(QUEUE))


def recover(product: Product) -> None:
    """Let everything that is frozen go on, and wait until all is well."""
    product.resume()
    wait_until(lambda: product.health() == "ok", RECOVERY_SECONDS, "recovery")


def count_threads(product: Product, name: str) -> int:
    """How many threads the processes of that name have together."""
    return sum(_attribute(process, "num_threads") for process in product.team(COMMAND_LINES[name]))


def _attribute(process: psutil.Process, name: str) -> Any:
    try:
        return getattr(process, name)()
    except psutil.Error:
        return 0
