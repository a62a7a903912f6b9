"""What is measured: a whole product with accounts, and people who use it."""

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

from tests.support.product import Product, temporary_folder, temporary_product

PEOPLE = 200

SPARE_PEOPLE = 32
"""Users without a token, as whom pgbench starts and aborts."""

SECRET_KEY = "a key of the benchmark, which nobody else can reach"

PROCESSES = {
    "web": "-m gunicorn",
    "worker": "-m celery",
    "reconciler": "runs reconcile",
    "PostgreSQL": "postgres",
    "Redis": "redis-server",
}


@dataclass(frozen=True)
class Stage:
    """A running product and the tokens of its users, whose ids are 1, 2, 3 …"""

    product: Product
    tokens: list[str]

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.product.port

    def is_at_rest(self) -> bool:
        """Whether no message waits for the worker."""
        with self.product.broker() as broker:
            return broker.llen("job-ingestion:ingestion") == 0

    def end_runs(self) -> None:
        """Abort what a load has left active, as an operator with psql would."""
        self.product.sql(
            "UPDATE ingestion_runs SET status = 'aborted', finished_at = clock_timestamp()"
            " WHERE status IN ('pending', 'initializing', 'ingesting')"
        )

    def teams(self) -> dict[str, list[psutil.Process]]:
        """Its processes by what they are; the launcher, which only waits, is among none."""
        found: dict[str, list[psutil.Process]] = {name: [] for name in PROCESSES}
        for process in self.product.processes():
            line = " ".join(process.cmdline())
            name = next((name for name, words in PROCESSES.items() if words in line), None)
            if name:
                found[name].append(process)
        return found


@contextmanager
def staged() -> Iterator[Stage]:
    """A product with AUTH=accounts as it comes, running, with PEOPLE users."""
    environment = {"AUTH": "accounts", "SECRET_KEY": SECRET_KEY, "WEB_WORKERS": "2"}
    with temporary_folder() as folder, temporary_product(folder, measured=False, **environment) as product:
        product.start()
        yield Stage(product, _people(product))


def _people(product: Product) -> list[str]:
    """Make the users and give each a token."""
    tokens = [f"ji_{secrets.token_urlsafe(32)}" for _ in range(PEOPLE)]
    everybody = PEOPLE + SPARE_PEOPLE
    product.sql("INSERT INTO users (email) SELECT n || '@example.org' FROM generate_series(1, %s) n", everybody)
    for number, token in enumerate(tokens, 1):
        product.sql(
            "INSERT INTO credentials (user_id, epoch, kind, name, secret_hash)"
            " SELECT user_id, epoch, 'token', 'bench', %s FROM users WHERE user_id = %s",
            hashlib.sha256(token.encode()).digest(), number,
        )
    return tokens
