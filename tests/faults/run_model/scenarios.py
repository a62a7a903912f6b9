"""The fixed scenarios of the check: each important situation once. Random sequences come after them."""

from typing import Any

from tests.faults.run_model.state_machine import RunModelMachine

Step = tuple[str, dict[str, Any]]


def step(rule: str, **arguments: Any) -> Step:
    """Return a step: a rule of the state machine and its arguments."""
    return rule, arguments


def run(user: int) -> list[Step]:
    """A run from its start to its end."""
    return [step("start", user=user), step("proceed", pick=0)]


def all_scenarios() -> dict[str, list[Step]]:
    """Return the steps of each scenario by name."""
    return {"two runs": [*run(1), *run(2), *run(1)]}


def run_scenario(machine: type[RunModelMachine], name: str) -> None:
    """Run the scenario, and compare after each step. Raises Difference."""
    state = machine()
    for rule, arguments in all_scenarios()[name]:
        getattr(state, rule)(**arguments)
    state.teardown()
