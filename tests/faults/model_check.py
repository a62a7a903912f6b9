"""The model check of the product and of its mutants.

The long form is ``python -m tests.faults.model_check --examples 200 --seed 7``. It starts its own servers, and checks
the product and then every mutant: first all scenarios, of a mutant those that it names, then random sequences. It
prints a line for each. The exit code is 1 if the product fails or a mutant passes.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.config.settings import PROJECT, Settings
from app.embedded import redis as embedded_redis
from app.embedded.on_demand import postgres_on_demand
from tests.faults.mutants import MUTANTS

UNCHANGED = "the unchanged product"
MAX_SHOWN = 160
"""Characters of a difference that are printed."""


class ModelChecker:
    """A process that runs checks, on the servers of a data folder.

    ``modules`` are those of the mutants and of the checks, by default those of the check of runs.
    """

    def __init__(self, data_dir: Path, *modules: str) -> None:
        ours = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.mutation_runner", *modules],
            cwd=PROJECT,
            env={**ours, "DATA_DIR": str(data_dir), "AUTH": "local", "PYTHONHASHSEED": "0"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def check(self, name: str | None, **options: Any) -> dict[str, Any]:
        """Check that mutant, or the unchanged product, with these ``CheckOptions``; return the result."""
        assert self._process.stdin and self._process.stdout
        request = {"name": name, "options": options}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        verdict: dict[str, Any] = json.loads(self._process.stdout.readline())
        assert "crash" not in verdict, verdict["crash"]
        return verdict

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


@contextmanager
def temporary_servers() -> Iterator[Path]:
    """Run PostgreSQL and Redis in a temporary data folder inside this block; yield the folder."""
    with tempfile.TemporaryDirectory(prefix="ji-model-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o711)
        os.environ.update(DATA_DIR=name, AUTH="local")
        with postgres_on_demand(Settings.from_env().data_dir, True):
            embedded_redis.prepare_redis(folder)
            with subprocess.Popen(embedded_redis.redis_command(folder), stdout=subprocess.DEVNULL) as redis:
                yield folder
                redis.terminate()


def check_all(
    examples: int, seed: int, mutants: Mapping[str, Any], modules: Sequence[str] = ()
) -> Iterator[tuple[str, bool, dict[str, Any]]]:
    """Check the product with all scenarios, then each of these mutants with its own; after them, random sequences.

    ``modules`` are those of ``ModelChecker``. Yield the name, True if the result is the expected one, and the figures.
    """
    with temporary_servers() as folder:
        checker = ModelChecker(folder, *modules)
        try:
            verdict = checker.check(None, examples=examples, seed=seed, until_first=False)
            yield UNCHANGED, not verdict["difference"] and not verdict["fault"], verdict
            for name, mutant in mutants.items():
                verdict = checker.check(name, examples=examples, seed=seed, scenarios=mutant.scenarios)
                yield name, bool(verdict["difference"]) and not verdict["fault"], verdict
        finally:
            checker.close()


def main(description: str | None = __doc__, named: Mapping[str, Any] = MUTANTS, modules: Sequence[str] = ()) -> int:
    """Run the long form with these mutants; return the exit code."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--examples", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--without-mutants", action="store_true")
    arguments = parser.parse_args()
    failed = 0
    mutants = {} if arguments.without_mutants else named
    checks = check_all(arguments.examples, arguments.seed, mutants, modules)
    for name, passed, verdict in checks:
        figures = ", ".join(f"{verdict[figure]} {figure}" for figure in ("examples", "steps", "operations", "seconds"))
        difference = (verdict["difference"] or "")[:MAX_SHOWN]
        print(f"{'ok    ' if passed else 'FAILED'} {name}: {figures}; {difference}", flush=True)
        failed += not passed
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
