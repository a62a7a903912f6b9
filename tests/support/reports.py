"""Common parts of the written reports: their environment, and tables."""

import os
import platform
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from app.embedded import postgres as embedded_postgres
from app.embedded import redis as embedded_redis
from app.embedded.subprocesses import run

PACKAGES = ("celery", "kombu", "flask", "gunicorn", "sqlalchemy", "psycopg")


def describe_environment(**more: Any) -> str:
    """Return a table of date, machine, versions and any further rows."""
    rows = {
        "Date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "Machine": f"{platform.system()} {platform.release()}, {platform.machine()}, {os.cpu_count()} cores",
        "Versions": ", ".join(f"{name} {number}" for name, number in _versions().items()),
        **more,
    }
    return table(("", ""), rows.items())


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def _versions() -> dict[str, str]:
    return {
        "Python": platform.python_version(),
        "PostgreSQL": run([str(embedded_postgres.postgres_binary("postgres")), "--version"]).split()[-1],
        "Redis": run([embedded_redis.redis_binary(), "--version"]).partition("v=")[2].split()[0],
        **{name: version(name) for name in PACKAGES},
    }
