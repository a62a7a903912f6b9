"""Long checks that run as drills: separate programs, whose printed figures are read at their end."""

import re
import subprocess
import sys
from collections.abc import Collection

from app.config.settings import PROJECT
from tests.drills.registry import NONE, drill
from tests.drills.results import DrillOptions, Outcome
from tests.faults.board_mutants import BOARD_MUTANTS, check_all
from tests.faults.model_check import UNCHANGED
from tests.faults.mutants import MUTANTS
from tests.faults.run_model.mutants import MUTANTS as MODEL_MUTANTS
from tests.faults.run_mutants import RUN_MUTANTS

GROUP = "Long checks"
MAX_LINES = 15
CHECKED = re.compile(r"^(ok|FAILED) +(.*?): (\d+) examples, (\d+) steps, (\d+) operations")
PRODUCT = re.compile(r"^AUTH=(\w+): \d+ operations, (\d+) cases")
FUZZED = re.compile(r"^seed \d+: (\d+) cases, (\d+) checks, (\d+) server errors, (\d+) failures")


@drill("model check and mutants", GROUP, NONE)
def model_check(options: DrillOptions) -> Outcome:
    """Random sequences of starts, aborts, claims, crashes, lost and duplicated messages, in several sessions at once,
    on the real PostgreSQL and Redis: after each step the tables agree with a model. The same check of each mutant, a
    copy of the product with one guard broken, finds a difference.
    """
    return read_model_check(*_run("tests.faults.model_check", 100, options))


@drill("model check of boards and runs", GROUP, NONE)
def run_model_check(options: DrillOptions) -> Outcome:
    """Several users share boards that change, lie and fail, while workers and readers act at once, die, and lose or
    double their messages. After each step, all runs, jobs, counts and witnesses are those that a model in plain Python
    predicts. The same check of each mutant, a copy of the product with one guard broken, finds a difference.
    """
    return read_model_check(*_run("tests.faults.run_model", 100, options), MODEL_MUTANTS)


def read_model_check(lines: list[str], code: int, mutants: Collection[str] = MUTANTS) -> Outcome:
    """Read the output of a model check. An early end or a missing mutant is a violation."""
    found = [match.groups() for line in lines if (match := CHECKED.match(line))]
    if not found:
        raise RuntimeError("\n".join(lines[-MAX_LINES:]))
    examples, steps, operations = (int(number) for number in found[0][2:])
    verdicts = {name: verdict for verdict, name, *_ in found}
    wrong = [f"{name}: unexpected result" for name, verdict in verdicts.items() if verdict == "FAILED"]
    wrong += [f"{name}: not checked" for name in (UNCHANGED, *mutants) if name not in verdicts]
    wrong += _wrong_exit(code, 1 if "FAILED" in verdicts.values() else 0, lines)
    caught = sum(verdicts.get(name) == "ok" for name in mutants)
    facts = {"steps": steps, "operations": operations, "mutants caught": f"{caught} of {len(mutants)}"}
    return Outcome(examples, "examples", (), "–", facts, wrong)


@drill("mutants of boards and runs", GROUP, NONE)
def board_mutants(_options: DrillOptions) -> Outcome:
    """For each mutant of the reading of boards and of runs, a copy of the product with one guard broken, the test that
    it names fails.
    """
    checks = list(check_all(BOARD_MUTANTS | RUN_MUTANTS))
    wrong = [f"{name}: not caught ({line})" for name, caught, line in checks if not caught]
    return Outcome(len(checks), "mutants", (), "–", {"caught": len(checks) - len(wrong)}, wrong)


@drill("contract", GROUP, NONE)
def contract(options: DrillOptions) -> Outcome:
    """Two users send valid and invalid requests generated from the OpenAPI document, in sequences that follow its
    links: every answer is one that the document promises, and never a 500.
    """
    return read_fuzzing(*_run("tests.drills.contract_fuzzing", 12, options))


def read_fuzzing(lines: list[str], code: int) -> Outcome:
    """Read the output of the fuzzing. A product without requests is a violation."""
    match = FUZZED.match(lines[-1])
    if not match:
        raise RuntimeError("\n".join(lines[-MAX_LINES:]))
    cases, checks, errors, failures = (int(number) for number in match.groups())
    wrong = [line for line in lines if line.strip()][-MAX_LINES:-1] if failures else []
    requests = {auth: int(number) for line in lines for auth, number in PRODUCT.findall(line)}
    wrong += [f"AUTH={auth}: no requests were sent" for auth in ("local", "accounts") if not requests.get(auth)]
    wrong += [f"{errors} answers were server errors"] if errors else []
    wrong += _wrong_exit(code, int(bool(failures)), lines)
    return Outcome(cases, "requests", (), "–", {"checks": checks, "server errors": errors, "failures": failures}, wrong)


def _wrong_exit(code: int, expected: int, lines: list[str]) -> list[str]:
    """Return a violation if the exit code does not agree with the program's figures."""
    last_line = lines[-1][-300:]
    return [] if code == expected else [f"it exited with {code} instead of {expected}; its last line was: {last_line}"]


def _run(module: str, examples: int, options: DrillOptions) -> tuple[list[str], int]:
    """Run the program to its end; return its output line by line, and its exit code."""
    seed = options.seed.partition("/")[0]
    words = ["--examples", str(max(1, round(examples * options.scale))), "--seed", seed]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-m", module, *words], cwd=PROJECT, stdout=pipe, stderr=subprocess.STDOUT, text=True
    ) as program:
        try:
            output, _ = program.communicate()
        finally:
            program.terminate()
    return output.strip().splitlines() or [""], program.returncode
