"""The testbed of the benchmarks: a product with accounts, its users, and pgbench on its database."""

import hashlib
import re
import secrets
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from app.config.settings import PROJECT
from app.embedded import postgres as embedded_postgres
from bench.load_generator import LoadResult, Script, run_load
from tests.support.product import Product, temporary_folder, temporary_product
from tests.support.waiting import wait_until

USERS = 200
SPARE_USERS = 32
"""Users without a token, for pgbench. It opens at most as many connections, within PostgreSQL's limit."""

SETTINGS = {"AUTH": "accounts", "SECRET_KEY": "the secret key of the benchmarks, on loopback only", "WEB_WORKERS": "2"}
VARIABLES = {"owner": ":owner", "run_id": ":id", "actor": "'user'", "request_id": "'bench'"}


@dataclass(frozen=True)
class Testbed:
    """A running product, the seconds of its first start, and the tokens of its users, whose ids are 1, 2, 3 …"""

    product: Product
    first_start: float
    tokens: list[str]

    def run_load(self, scripts: list[Script], seconds: float, **more: float) -> LoadResult:
        """Run a load, and abort the runs that it leaves."""
        result = run_load(self.product.port, scripts, seconds, **more)
        self.abort_runs()
        return result

    def abort_runs(self) -> None:
        """Abort all active runs with SQL."""
        self.product.sql(
            "UPDATE ingestion_runs SET status = 'aborted', finished_at = clock_timestamp()"
            " WHERE status IN ('pending', 'initializing', 'ingesting')"
        )

    def pgbench(self, script: str, clients: int, seconds: int) -> float:
        """Return the rate of the script in pgbench, per second."""
        address = embedded_postgres.database_url(self.product.data_dir).replace("postgresql+psycopg", "postgresql")
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
            file.write(script)
            file.flush()
            command = [str(embedded_postgres.postgres_binary("pgbench")), "-n", "-M", "prepared", "-f", file.name, "-T"]
            command += [str(seconds), "-c", str(min(clients, SPARE_USERS)), address]
            done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60)
        return float(re.findall(r"tps = ([0-9.]+)", done.stdout)[0])


@contextmanager
def running_testbed(project: Path = PROJECT) -> Iterator[Testbed]:
    """Run the product of that checkout with its default settings and users inside this block."""
    with temporary_folder() as folder, temporary_product(folder, measured=False, **SETTINGS) as product:
        product.project, product.python = project, str(project / ".venv/bin/python")
        yield prepare(product)
        product.stop()


def prepare(product: Product) -> Testbed:
    """Start a product and give it its users; return the testbed."""
    seconds = start_product(product)
    tokens = [f"ji_{secrets.token_urlsafe(32)}" for _ in range(USERS)]
    made = "INSERT INTO users (email) SELECT n || '@example.org' FROM generate_series(1, %s) n"
    product.sql(made, USERS + SPARE_USERS)
    product.sql(
        "INSERT INTO credentials (user_id, epoch, kind, name, secret_hash) SELECT user_id, epoch, 'token', 'bench',"
        " hash FROM unnest(%s::bytea[]) WITH ORDINALITY AS given(hash, n) JOIN users ON user_id = n",
        [hashlib.sha256(token.encode()).digest() for token in tokens],
    )
    return Testbed(product, seconds, tokens)


def start_product(product: Product) -> float:
    """Start the product; return the seconds until ``/readyz`` was ok."""
    began, launcher = time.monotonic(), product.launch()
    wait_until(lambda: product.health() == "ok" or launcher.poll() is not None, 300, "a product that is ready")
    assert launcher.poll() is None, product.output()
    return time.monotonic() - began


def pgbench_sql(statement: Any) -> str:
    """Return a statement of the product for pgbench. Parameters without a value become its variables, or NULL."""
    compiled = statement.compile(dialect=PGDialect_psycopg())

    def literal(found: re.Match[str]) -> str:
        value = compiled.params[found[1]]
        own = f"'{value}'" if isinstance(value, str) else str(value)
        return VARIABLES.get(found[1], "NULL") if value is None else own

    return " ".join(re.sub(r"%\((\w+)\)s", literal, str(compiled)).split())
