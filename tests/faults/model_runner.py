"""One model check of the product that is imported as ``app``: the original or a mutated copy."""

import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import hypothesis
import psycopg
from hypothesis.stateful import run_state_machine_as_test

from app.config.settings import Settings
from app.config.validators import connect_arguments
from tests.faults.comparison import Difference
from tests.faults.concurrent_sessions import ConcurrentSession
from tests.faults.harness import Harness, create_application, create_tables, temporary_database
from tests.faults.scenarios import all_scenarios, run_scenario
from tests.faults.state_machine import RunsStateMachine

DATABASE_NAME = "model_check"


class StopAtFirst(KeyboardInterrupt):
    """Stop the check at the first difference. Hypothesis does not catch a KeyboardInterrupt, so it stops too."""


@dataclass(frozen=True)
class CheckOptions:
    """The extent of a check: the named scenarios (None: all), then ``examples`` random sequences of ``steps`` steps.

    Without ``seed`` the sequences are the same each time. ``until_first`` stops at the first difference.
    """

    examples: int = 0
    steps: int = 25
    seed: int | None = None
    until_first: bool = True
    scenarios: list[str] | None = None
    with_illegal_sql: bool = True


def run_check(template: str, options: CheckOptions, statement: str | None = None) -> dict[str, Any]:
    """Check the product on a new database; return the first difference and the figures of the check.

    ``template`` names a migrated database, which is created if it does not exist. ``statement`` is SQL that breaks the
    new database.
    """
    settings = Settings.from_env()
    create_template(settings, template)
    with temporary_database(settings, DATABASE_NAME, template) as own:
        harness, other = Harness(own), ConcurrentSession(own)
        try:
            if statement:
                harness.connection.execute(statement)
            attributes = {"harness": harness, "other_session": other, "with_illegal_sql": options.with_illegal_sql}
            return run_machine(type("Runs", (RunsStateMachine,), attributes), options, all_scenarios(), run_scenario)
        finally:
            other.close()
            harness.close()


def create_template(settings: Settings, name: str) -> None:
    """Create a migrated database without connections, from which others are copied."""
    with psycopg.connect(**connect_arguments(settings.database_url), autocommit=True) as server:
        if server.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
            return
    with temporary_database(settings, f"{name}_new") as own:
        create_tables(create_application(own))
        with psycopg.connect(**connect_arguments(settings.database_url), autocommit=True) as server:
            server.execute(f'ALTER DATABASE "{name}_new" RENAME TO "{name}"')


def run_machine(
    machine: Any, options: CheckOptions, named: Iterable[str], run_named: Callable[[Any, str], object]
) -> dict[str, Any]:
    """Run the scenarios, by default all of these names, then the random sequences; return the figures of the check."""
    Difference.enough = StopAtFirst if options.until_first else None
    began, fault, scenario = time.monotonic(), None, None
    try:
        for scenario in named if options.scenarios is None else options.scenarios:
            run_named(machine, scenario)
        scenario = None
        if options.examples:
            _run_random(machine, options)
    except (Exception, StopAtFirst):
        fault = traceback.format_exc()
    found = Difference.first
    return {
        "difference": str(found) if found else None,
        "violations": sorted({each.rule for each in found.found}) if found else [],
        "fault": fault if fault and not (options.until_first and found) else None,
        "scenario": scenario,
        "seconds": round(time.monotonic() - began, 2),
        **{name: machine.tally[name] for name in ("examples", "steps", "operations")},
    }


def _run_random(machine: Any, options: CheckOptions) -> None:
    """Run the random sequences that Hypothesis generates."""
    if options.seed is not None:
        machine = hypothesis.seed(options.seed)(machine)
    phases = [hypothesis.Phase.generate, *([] if options.until_first else [hypothesis.Phase.shrink])]
    run_state_machine_as_test(
        machine,
        settings=hypothesis.settings(
            max_examples=options.examples,
            stateful_step_count=options.steps,
            derandomize=options.seed is None,
            database=None,
            deadline=None,
            print_blob=False,
            report_multiple_bugs=False,
            phases=phases,
            suppress_health_check=list(hypothesis.HealthCheck),
        ),
    )
