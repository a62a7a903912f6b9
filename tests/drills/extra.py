"""What other parts prove at length, held as drills: programs that end by telling their figures as a line of JSON."""

import json
import subprocess
import sys
from typing import Any

from app.config import PROJECT
from tests.drills.registry import NONE, drill
from tests.drills.results import Outcome, Terms

GROUP = "At length"
LAST_LINES = 15


@drill("model check", GROUP, NONE)
def model_check(terms: Terms) -> Outcome:
    """Random sequences of starts, aborts, claims, crashes, lost and doubled messages, several sessions at once, against
    the real PostgreSQL and Redis: after each step the tables say what a model of the promise says.
    """
    return _told("tests.faults.model", 400, terms)


@drill("contract", GROUP, NONE)
def contract(terms: Terms) -> Outcome:
    """Requests made from the OpenAPI document, well-formed and not, in sequences that follow its links, by two users:
    every answer is one that the document promises, and never a 500.
    """
    return _told("tests.drills.contract", 100, terms)


def _told(module: str, examples: int, terms: Terms) -> Outcome:
    """Run the program, and read the last line that it prints."""
    seed = terms.seed.partition("/")[0]
    words = ["--examples", str(max(1, round(examples * terms.scale))), "--seed", seed]
    done = subprocess.run([sys.executable, "-m", module, *words], cwd=PROJECT, capture_output=True, text=True)
    lines = done.stdout.strip().splitlines() or [""]
    try:
        told: dict[str, Any] = json.loads(lines[-1])
    except ValueError:
        raise RuntimeError("\n".join([*lines, *done.stderr.splitlines()][-LAST_LINES:])) from None
    return Outcome(told["n"], told["unit"], (), "–", told.get("facts", {}), told.get("violations", []))
