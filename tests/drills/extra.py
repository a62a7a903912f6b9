"""What other parts prove at length, held as drills: programs of their own, which tell their figures as they end."""

import re
import subprocess
import sys

from app.config import PROJECT
from tests.drills.registry import NONE, drill
from tests.drills.results import Outcome, Terms

GROUP = "At length"
LAST_LINES = 15
CHECKED = re.compile(r"^(ok|FAILED) +(.*?): (\d+) examples, (\d+) steps, (\d+) operations")
FUZZED = re.compile(r"^seed \d+: (\d+) cases, (\d+) checks, (\d+) server errors, (\d+) failures")


@drill("model check and mutants", GROUP, NONE)
def model_check(terms: Terms) -> Outcome:
    """Random sequences of starts, aborts, claims, crashes, lost and doubled messages, several sessions at once, against
    the real PostgreSQL and Redis: after each step the tables say what a model of the promise says. The same check is
    then made of copies of the product with one guard broken each, and must find every one of them.
    """
    lines = _said("tests.faults.prover", 150, terms)
    found = [match.groups() for line in lines if (match := CHECKED.match(line))]
    if not found:
        raise RuntimeError("\n".join(lines[-LAST_LINES:]))
    examples, steps, operations = (int(number) for number in found[0][2:])
    wrong = [f"{name}: not as it must be" for verdict, name, *_ in found if verdict == "FAILED"]
    caught = sum(verdict == "ok" for verdict, *_ in found[1:])
    facts = {"steps": steps, "operations": operations, "mutants caught": f"{caught} of {len(found) - 1}"}
    return Outcome(examples, "examples", (), "–", facts, wrong)


@drill("contract", GROUP, NONE)
def contract(terms: Terms) -> Outcome:
    """Requests made from the OpenAPI document, well-formed and not, in sequences that follow its links, by two users:
    every answer is one that the document promises, and never a 500.
    """
    lines = _said("tests.drills.contract", 60, terms)
    match = FUZZED.match(lines[-1])
    if not match:
        raise RuntimeError("\n".join(lines[-LAST_LINES:]))
    cases, checks, errors, failures = (int(number) for number in match.groups())
    wrong = [line for line in lines if line.strip()][-LAST_LINES:-1] if failures else []
    return Outcome(cases, "requests", (), "–", {"checks": checks, "server errors": errors, "failures": failures}, wrong)


def _said(module: str, examples: int, terms: Terms) -> list[str]:
    """Run the program to its end; returns what it printed, line by line."""
    seed = terms.seed.partition("/")[0]
    words = ["--examples", str(max(1, round(examples * terms.scale))), "--seed", seed]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-m", module, *words], cwd=PROJECT, stdout=pipe, stderr=subprocess.STDOUT, text=True
    ) as program:
        try:
            output, _ = program.communicate()
        finally:
            program.terminate()
    return output.strip().splitlines() or [""]
