"""Run the drills and print each result: ``python -m tests.drills [names]``.

With ``--report`` the results are written to a file. The exit code is 1 if a drill found a violation.
"""

import argparse
import os
import random
import shlex
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import fields
from itertools import groupby
from pathlib import Path

from app.config.settings import Settings
from tests.drills import (  # noqa: F401 (each module registers its drills)
    abort_races,
    broker_faults,
    costly_strangers,
    database_faults,
    file_limit,
    fortnight,
    long_checks,
    lost_leases,
    memory_limits,
    month,
    report,
    run_faults,
    run_kills,
    shared_boards,
    slow_clients,
    start_races,
    system_faults,
    two_products,
    web_faults,
    worker_faults,
)
from tests.drills.drill_product import DrillProduct
from tests.drills.registry import DRILLS, NONE, PLACEHOLDER, PRODUCT
from tests.drills.results import CannotRun, Drill, DrillOptions, Outcome, Result
from tests.drills.soak import soak
from tests.drills.testbed import SETTINGS, Testbed, running_testbed
from tests.support.product import ensure_running

GROUPS = (
    start_races.GROUP,
    abort_races.GROUP,
    broker_faults.GROUP,
    database_faults.GROUP,
    web_faults.GROUP,
    worker_faults.GROUP,
    run_faults.GROUP,
    month.GROUP,
    system_faults.GROUP,
    shared_boards.GROUP,
    costly_strangers.GROUP,
    long_checks.GROUP,
    "Soak",
)
"""The groups in the order of the report."""

KINDS = {PRODUCT: (DrillProduct, SETTINGS), PLACEHOLDER: (DrillProduct, {})}
"""The products that drills share, and their settings."""

MAX_PRINTED = 10
"""Maximum number of violations printed for a drill. The report has more."""


def main() -> int:
    """Run the chosen drills; return the exit code."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for field in fields(Settings):
        os.environ.pop(field.name.upper(), None)
    chosen = _chosen_drills(arguments)
    print(f"{len(chosen)} drills, seed {arguments.seed}", flush=True)
    began = time.monotonic()
    results: list[Result] = []
    for product, drills in groupby(sorted(chosen, key=lambda drill: drill.product), key=lambda drill: drill.product):
        results += _run_all(list(drills), product, arguments)
    results.sort(key=lambda result: GROUPS.index(result.group))
    if arguments.report:
        seconds = time.monotonic() - began
        report.write(arguments.report, results, arguments.seed, _command(arguments), seconds)
    violations = sum(len(result.violations) for result in results)
    print(f"{len(results)} drills, {violations} violations, {time.monotonic() - began:.0f} s", flush=True)
    return 1 if violations else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.drills", description=__doc__)
    parser.add_argument("names", nargs="*", help="run the drills whose name contains one of these; default: all")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--soak-minutes", type=float, default=0, help="length of the soak test; default: no soak test")
    parser.add_argument("--scale", type=float, default=1, help="multiply all repetitions by this, for a trial")
    parser.add_argument("--report", type=Path, help="write the report to this file")
    parser.add_argument("--list", action="store_true", help="list the drills and exit")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(f"{drill.name}: {drill.promise}" for drill in DRILLS))
        parser.exit()
    return arguments


def _command(arguments: argparse.Namespace) -> str:
    """Return the command that repeats these drills."""
    if arguments.names or arguments.scale != 1:
        seed = [] if "--seed" in sys.argv else ["--seed", str(arguments.seed)]
        return shlex.join(["python", "-m", "tests.drills", *sys.argv[1:], *seed])
    return f"make drill SEED={arguments.seed} SOAK={arguments.soak_minutes:g}"


def _chosen_drills(arguments: argparse.Namespace) -> list[Drill]:
    names = arguments.names
    chosen = [drill for drill in DRILLS if not names or any(name in drill.name for name in names)]
    if arguments.soak_minutes and (not names or "soak" in names):
        chosen.append(soak(arguments.soak_minutes))
    return chosen


def _run_all(drills: Sequence[Drill], product: str, arguments: argparse.Namespace) -> list[Result]:
    """Run the drills that share one product; start that product once for all of them."""
    with ExitStack() as stack:
        testbed = None
        if product != NONE:
            kind, settings = KINDS[product]
            testbed = stack.enter_context(running_testbed(kind, arguments.scale, **settings))
        return [_run(drill, testbed, arguments) for drill in drills]


def _run(drill: Drill, testbed: Testbed | None, arguments: argparse.Namespace) -> Result:
    """Run one drill. An exception counts as a violation, and the next drill still runs."""
    result = Result(drill.name, drill.group, drill.promise, f"{arguments.seed}/{drill.name}", Outcome(0, "–"))
    print(f"{drill.name} ...", flush=True)
    began = time.monotonic()
    try:
        _play(drill, testbed, result, arguments.scale)
    except CannotRun as reason:
        result.not_run = str(reason)
    except Exception as error:
        traceback.print_exc()
        result.violations.append(f"the drill crashed: {type(error).__name__}: {error}"[:2000])
        if testbed:
            result.violations += testbed.violations
    result.took = time.monotonic() - began
    _print(result)
    return result


def _play(drill: Drill, testbed: Testbed | None, result: Result, scale: float) -> None:
    if testbed is None:
        result.outcome = drill.play(DrillOptions(scale, result.seed))
        result.violations = result.outcome.violations
        return
    ensure_running(testbed.product)
    testbed.reset(result.seed)
    result.outcome = drill.play(testbed)
    result.violations = testbed.verdict()


def _print(result: Result) -> None:
    _, n, violations, median, p99, measured, facts, _ = report.row(result)
    print(f"    {result.verdict}: {n}, violations {violations}, {measured} p50 {median} s p99 {p99} s; {facts}"
          f" ({result.took:.0f} s)", flush=True)
    for sentence in result.violations[:MAX_PRINTED]:
        print(f"    ! {sentence}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
