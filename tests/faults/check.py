"""One check of the product that is imported as ``app``, whichever copy that is, and what came of it."""

import time
import traceback
from dataclasses import dataclass
from typing import Any

import hypothesis
import psycopg
from hypothesis.stateful import run_state_machine_as_test

from app.config.settings import Settings
from app.config.validators import connect_arguments
from tests.faults.bench import Bench, application, database, migrated
from tests.faults.machine import Difference
from tests.faults.model import RunsMachine
from tests.faults.sessions import OtherSession
from tests.faults.tour import tours, walk

NAME = "model_check"


class Enough(KeyboardInterrupt):
    """The first difference is all that is asked for; Hypothesis lets this pass and looks no further."""


@dataclass(frozen=True)
class Bounds:
    """How much is checked: tours by name (None: all), then ``examples`` of chance, of so many steps.

    Without ``seed`` always the same ones. ``hands`` is whether somebody types illegal things.
    """

    examples: int = 0
    steps: int = 25
    seed: int | None = None
    until_first: bool = True
    tours: list[str] | None = None
    hands: bool = True


def check(template: str, bounds: Bounds, statement: str | None = None) -> dict[str, Any]:
    """Run the model on a database of its own, and return what was found, and after how much.

    ``template`` names a database with the migrations' tables, made if there is none; ``statement`` breaks the copy.
    """
    settings = Settings.from_env()
    make_template(settings, template)
    with database(settings, NAME, template) as own:
        bench, other = Bench(own), OtherSession(own)
        try:
            if statement:
                bench.connection.execute(statement)
            return _run(type("Runs", (RunsMachine,), {"bench": bench, "other": other, "hands": bounds.hands}), bounds)
        finally:
            other.close()
            bench.close()


def make_template(settings: Settings, name: str) -> None:
    """A migrated database that nobody is connected to, from which others are copied."""
    with psycopg.connect(**connect_arguments(settings.database_url), autocommit=True) as server:
        if server.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
            return
    with database(settings, f"{name}_new") as own:
        migrated(application(own))
        with psycopg.connect(**connect_arguments(settings.database_url), autocommit=True) as server:
            server.execute(f'ALTER DATABASE "{name}_new" RENAME TO "{name}"')


def _run(machine: type[RunsMachine], bounds: Bounds) -> dict[str, Any]:
    Difference.enough = Enough if bounds.until_first else None
    began, fault, tour = time.monotonic(), None, None
    try:
        for tour in tours() if bounds.tours is None else bounds.tours:
            walk(machine, tour)
        tour = None
        if bounds.examples:
            _by_chance(machine, bounds)
    except (Exception, Enough):
        fault = traceback.format_exc()
    found = Difference.first
    return {
        "difference": str(found) if found else None,
        "violations": sorted({each.rule for each in found.found}) if found else [],
        "fault": fault if fault and not (bounds.until_first and found) else None,
        "tour": tour,
        "seconds": round(time.monotonic() - began, 2),
        **{name: machine.tally[name] for name in ("examples", "steps", "operations")},
    }


def _by_chance(machine: type[RunsMachine], bounds: Bounds) -> None:
    """What Hypothesis comes upon."""
    if bounds.seed is not None:
        machine = hypothesis.seed(bounds.seed)(machine)
    phases = [hypothesis.Phase.generate] if bounds.until_first else [hypothesis.Phase.generate, hypothesis.Phase.shrink]
    run_state_machine_as_test(
        machine,
        settings=hypothesis.settings(
            max_examples=bounds.examples,
            stateful_step_count=bounds.steps,
            derandomize=bounds.seed is None,
            database=None,
            deadline=None,
            print_blob=False,
            report_multiple_bugs=False,
            phases=phases,
            suppress_health_check=list(hypothesis.HealthCheck),
        ),
    )
