"""The database's own limit: the same statements, said by pgbench, which is a C program without a web server."""

import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from sqlalchemy import BindParameter, cast, text
from sqlalchemy.dialects.postgresql.psycopg import dialect
from sqlalchemy.sql.visitors import replacement_traverse

from app import embedded
from app.services import runs
from bench.stage import PEOPLE
from tests.support.product import Product

ANYBODY = f"\\set owner random(1, {PEOPLE})\n"
OWN = f"\\set owner :client_id + {PEOPLE + 1}\n"
VARIABLES = {
    "owner": ":owner",
    "run_id": ":id",
    "preview_id": "NULL",
    "key": "NULL",
    "fingerprint": "NULL",
    "actor": "'user'",
    "request_id": "'bench'",
}


def current_run() -> str:
    """What ``GET /current-run`` asks, without finding out who asks."""
    return f"{ANYBODY}{_spoken(runs.CURRENT)};\n"


def cycle() -> str:
    """What a start and an abort write, without finding out who asks and without noting that a message was published."""
    return f"{OWN}{_spoken(runs.START)} \\gset\n{_spoken(runs.ABORT.statement)};\n"


def rate(product: Product, script: str, clients: int, seconds: float) -> float:
    """How often a second so many clients get through the script."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        command = [str(embedded.postgres_binary("pgbench")), "-n", "-M", "prepared", "-f", file.name]
        command += ["-c", str(clients), "-T", str(max(1, round(seconds)))]
        done = subprocess.run(
            [*command, _address(product.data_dir)], capture_output=True, text=True, check=True, timeout=seconds + 60
        )
    return float(re.search(r"tps = ([0-9.]+)", done.stdout)[1])  # type: ignore[index]


def _spoken(statement: Any) -> str:
    """A statement of the product's in pgbench's words: its own values written out, its parameters as variables."""

    def replace(element: Any, **_: Any) -> Any:
        if isinstance(element, BindParameter) and element.required:
            return cast(text(VARIABLES[element.key].replace(":", "\\:")), element.type)
        return None

    spoken = replacement_traverse(statement, {}, replace).compile(
        dialect=dialect(), compile_kwargs={"literal_binds": True}
    )
    return re.sub(r"\s+", " ", str(spoken))


def _address(data_dir: Path) -> str:
    return embedded.database_url(data_dir).replace("postgresql+psycopg", "postgresql")
