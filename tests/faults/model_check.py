"""Asks for checks of the product, sound and broken, and tells what came of them.

``python -m tests.faults.model_check --examples 200 --seed 7`` is the long form: servers of its own, the sound product once,
then every mutant, by chance alone; prints a line each and ends with 1 if anything is not as it must be.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.config.settings import PROJECT, Settings
from app.embedded import redis as embedded_redis
from app.embedded.on_demand import postgres_on_demand
from tests.faults.mutants import MUTANTS


class ModelChecker:
    """The process that checks; its servers are those of a data folder."""

    def __init__(self, data_dir: Path) -> None:
        ours = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.mutation_runner"],
            cwd=PROJECT,
            env={**ours, "DATA_DIR": str(data_dir), "AUTH": "local", "PYTHONHASHSEED": "0"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def check(self, name: str | None, **options: Any) -> dict[str, Any]:
        """Check that mutant, or the product as it is, within these ``Bounds``; returns what was found."""
        assert self._process.stdin and self._process.stdout
        asked = {"name": name, "options": options}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        verdict: dict[str, Any] = json.loads(self._process.stdout.readline())
        assert "broken" not in verdict, verdict["broken"]
        return verdict

    def close(self) -> None:
        """Let the process end."""
        self._process.communicate()


@contextmanager
def temporary_servers() -> Iterator[Path]:
    """A PostgreSQL and a Redis in a folder of their own."""
    with tempfile.TemporaryDirectory(prefix="ji-model-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o711)
        os.environ.update(DATA_DIR=name, AUTH="local")
        with postgres_on_demand(Settings.from_env().data_dir, True):
            embedded_redis.prepare_redis(folder)
            with subprocess.Popen(embedded_redis.redis_command(folder), stdout=subprocess.DEVNULL) as redis:
                yield folder
                redis.terminate()


def check_all(examples: int, seed: int, mutants: bool = True) -> Iterator[tuple[str, bool, dict[str, Any]]]:
    """Check the product, then each mutant, on all scenarios and then by chance.

    Yields the name, whether all is as it must be, and the figures.
    """
    with temporary_servers() as folder:
        checker = ModelChecker(folder)
        try:
            verdict = checker.check(None, examples=examples, seed=seed, until_first=False)
            yield "the product as it is", not verdict["difference"] and not verdict["fault"], verdict
            for name in MUTANTS if mutants else ():
                verdict = checker.check(name, examples=examples, seed=seed)
                yield name, bool(verdict["difference"]) and not verdict["fault"], verdict
        finally:
            checker.close()


def main() -> int:
    """The long form."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--without-mutants", action="store_true")
    given = parser.parse_args()
    failed = 0
    for name, well, verdict in check_all(given.examples, given.seed, not given.without_mutants):
        figures = ", ".join(f"{verdict[figure]} {figure}" for figure in ("examples", "steps", "operations", "seconds"))
        print(f"{'ok    ' if well else 'FAILED'} {name}: {figures}; {(verdict['difference'] or '')[:160]}", flush=True)
        failed += not well
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
