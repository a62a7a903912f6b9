"""``python -m tests.drills [names]``: hold the drills, tell as they go, write the report; 1 if anything is violated."""

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
from tests.drills import (  # noqa: F401 (each registers its drills)
    aborts,
    brokers,
    clients,
    databases,
    extra,
    report,
    starts,
    webs,
    wholes,
    workers,
)
from tests.drills.registry import DRILLS, NONE, WALKING
from tests.drills.results import Drill, NotRun, Outcome, Result, Terms
from tests.drills.soak import soak
from tests.drills.stage import Stage, WalkingProduct, ensure_running, staged
from tests.support.product import Product

ORDER = ("Starts", "Aborts", "Redis", "PostgreSQL", "Web", "Workers", "The whole", "At length", "Soak")


def main() -> int:
    """Hold the drills that are asked for; returns the exit code."""
    asked = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for field in fields(Settings):
        os.environ.pop(field.name.upper(), None)
    wanted = _wanted(asked)
    print(f"{len(wanted)} drills, seed {asked.seed}", flush=True)
    began = time.monotonic()
    results: list[Result] = []
    for product, drills in groupby(sorted(wanted, key=lambda drill: drill.product), key=lambda drill: drill.product):
        results += _hold_all(list(drills), product, asked)
    results.sort(key=lambda result: ORDER.index(result.group))
    if asked.report:
        report.write(asked.report, results, asked.seed, _command(asked), time.monotonic() - began)
    broken = sum(len(result.violations) for result in results)
    print(f"{len(results)} drills, {broken} violations, {time.monotonic() - began:.0f} s", flush=True)
    return 1 if broken else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.drills", description=__doc__)
    parser.add_argument("names", nargs="*", help="drills whose name has one of these words; all by default")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--soak-minutes", type=float, default=0, help="the length of the soak; none by default")
    parser.add_argument("--scale", type=float, default=1, help="a trial: this share of every N")
    parser.add_argument("--report", type=Path, help="the file to write")
    parser.add_argument("--list", action="store_true", help="tell which drills there are")
    asked = parser.parse_args()
    if asked.list:
        print("\n".join(f"{drill.name}: {drill.promise}" for drill in DRILLS))
        parser.exit()
    return asked


def _command(asked: argparse.Namespace) -> str:
    """What to type for the same again."""
    if asked.names or asked.scale != 1:
        seed = [] if "--seed" in sys.argv else ["--seed", str(asked.seed)]
        return shlex.join(["python", "-m", "tests.drills", *sys.argv[1:], *seed])
    return f"make drill SEED={asked.seed} SOAK={asked.soak_minutes:g}"


def _wanted(asked: argparse.Namespace) -> list[Drill]:
    found = [each for each in DRILLS if not asked.names or any(name in each.name for name in asked.names)]
    if asked.soak_minutes and (not asked.names or "soak" in asked.names):
        found.append(soak(asked.soak_minutes))
    return found


def _hold_all(drills: Sequence[Drill], product: str, asked: argparse.Namespace) -> list[Result]:
    """Hold the drills of one product, on one that is brought up for them all."""
    with ExitStack() as stack:
        stage = None
        if product != NONE:
            kind = WalkingProduct if product == WALKING else Product
            stage = stack.enter_context(staged(kind, asked.scale))
        return [_hold(drill, stage, asked) for drill in drills]


def _hold(drill: Drill, stage: Stage | None, asked: argparse.Namespace) -> Result:
    """Hold one drill; whatever goes wrong in it is a violation, and the next is held all the same."""
    result = Result(drill.name, drill.group, drill.promise, f"{asked.seed}/{drill.name}", Outcome(0, "–"))
    print(f"{drill.name} ...", flush=True)
    began = time.monotonic()
    try:
        _play(drill, stage, result, asked.scale)
    except NotRun as reason:
        result.not_run = str(reason)
    except Exception as error:
        traceback.print_exc()
        result.violations.append(f"the drill broke off: {type(error).__name__}: {error}"[:2000])
        if stage:
            result.violations += stage.complaints
    result.took = time.monotonic() - began
    _tell(result)
    return result


def _play(drill: Drill, stage: Stage | None, result: Result, scale: float) -> None:
    if stage is None:
        result.outcome = drill.play(Terms(scale, result.seed))
        result.violations = result.outcome.violations
        return
    ensure_running(stage.product)
    stage.begin(result.seed)
    result.outcome = drill.play(stage)
    result.violations = stage.verdict()


def _tell(result: Result) -> None:
    _, n, violations, half, most, measured, more, _ = report.row(result)
    print(f"    {result.verdict}: {n}, violations {violations}, {measured} p50 {half} s p99 {most} s; {more}"
          f" ({result.took:.0f} s)", flush=True)
    for sentence in result.violations[:10]:
        print(f"    ! {sentence}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
