"""One check of boards and runs of the product that is imported as ``app``: the original or a mutated copy."""

from typing import Any

from app.config.settings import Settings
from tests.faults.harness import temporary_database
from tests.faults.model_runner import CheckOptions, create_template, run_machine
from tests.faults.run_model.product import Product
from tests.faults.run_model.scenarios import all_scenarios, run_scenario
from tests.faults.run_model.state_machine import RunModelMachine

DATABASE_NAME = "run_model_check"


def run_check(template: str, options: CheckOptions, statement: str | None = None) -> dict[str, Any]:
    """Check the product on a new database; return the first difference and the figures of the check.

    ``template`` and ``statement`` are those of ``model_runner.run_check``.
    """
    settings = Settings.from_env()
    create_template(settings, template)
    with temporary_database(settings, DATABASE_NAME, template) as own:
        product = Product(own)
        try:
            if statement:
                product.connection.execute(statement)
            machine = type("RunsOfBoards", (RunModelMachine,), {"product": product})
            return run_machine(machine, options, all_scenarios(), run_scenario)
        finally:
            product.close()
