"""The report of ``make drill``."""

from pathlib import Path

import pytest

from tests.drills.long_checks import read_fuzzing, read_model_check
from tests.drills.report import write
from tests.drills.results import Outcome, Result, percentile
from tests.faults.model_check import UNCHANGED
from tests.faults.mutants import MUTANTS


def result(name: str, **more: object) -> Result:
    outcome = Outcome(100, "runs", [0.1, 2.0], facts={"a": 1})
    return Result(name, "Redis", f"{name} is done.", f"7/{name}", outcome, **more)


def page(tmp_path: Path, *results: Result) -> str:
    path = tmp_path / "proof.md"
    write(path, results, 7, "make drill SEED=7", 120)
    return path.read_text()


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([], 0.5, None), ([3], 0.99, 3), ([4, 1, 3, 2], 0.5, 2), (range(1, 101), 0.99, 99), (range(1, 201), 0.99, 198)],
    ids=["nothing", "one", "half of four", "of a hundred", "of two hundred"],
)
def test_percentile_returns_a_measured_value(values, share, expected):
    assert percentile(values, share) == expected


def test_report_shows_count_times_and_seed(tmp_path):
    text = page(tmp_path, result("frozen"))

    assert "| frozen | 100 runs | 0 | 0.100 | 2.0 | recovery | a: 1 | 7/frozen |" in text
    assert "**1 drills, 0 violations.**" in text
    assert "`make drill SEED=7`" in text
    assert "* **frozen**: frozen is done." in text


def test_report_lists_every_violation(tmp_path):
    text = page(tmp_path, result("frozen", violations=["run 7 is\nlost", "run 8 is lost"]))

    assert "**1 drills, 2 violations.**" in text
    assert "* run 7 is lost\n* run 8 is lost\n" in text


def test_report_shows_the_table_of_a_drill(tmp_path):
    costly = result("costly")
    costly.outcome.table = [("attack", "MB"), ("rows", 7)]

    assert "* **costly**: costly is done.\n\n| attack | MB |\n| --- | --- |\n| rows | 7 |\n" in page(tmp_path, costly)


def test_report_names_a_drill_that_did_not_run(tmp_path):
    text = page(tmp_path, result("frozen"), result("disk", not_run="no permission to mount a tmpfs"))

    assert "**1 drills, 0 violations.** Not run: disk (no permission to mount a tmpfs)." in text
    assert "| disk | – | not run | – |" in text


def test_report_explains_the_limits_of_a_seed(tmp_path):
    assert "A seed does not reproduce how processes interleave" in page(tmp_path, result("frozen"))


FIGURES = "7 examples, 50 steps, 60 operations, 3 seconds; "
PROVED = [f"ok     {name}: {FIGURES}" for name in (UNCHANGED, *MUTANTS)]
LAST = list(MUTANTS)[-1]


@pytest.mark.parametrize(
    ("lines", "code", "expected"),
    [
        (PROVED, 0, []),
        (PROVED[:-1], 0, [f"{LAST}: not checked"]),
        (PROVED[:-1] + ["Killed"], -9, [f"{LAST}: not checked", "it exited with -9 instead of 0"]),
        (PROVED, 1, ["it exited with 1 instead of 0"]),
        (PROVED[:-1] + [f"FAILED {LAST}: {FIGURES}"], 1, [f"{LAST}: unexpected result"]),
    ],
    ids=["all caught", "one missing", "killed", "failed without a reason", "one not caught"],
)
def test_read_model_check_requires_a_result_for_every_mutant(lines, code, expected):
    outcome = read_model_check(lines, code)

    found = [sentence.partition("; its last line was: ")[0] for sentence in outcome.violations]
    assert found == expected
    assert outcome.facts["mutants caught"].endswith(f" of {len(MUTANTS)}")


PRODUCTS = [f"AUTH={auth}: 30 operations, 90 cases (), 500 checks" for auth in ("local", "accounts")]


@pytest.mark.parametrize(
    ("lines", "code", "violations"),
    [
        ([*PRODUCTS, "seed 7: 180 cases, 1000 checks, 0 server errors, 0 failures in 9 s"], 0, 0),
        ([*PRODUCTS, "seed 7: 180 cases, 1000 checks, 0 server errors, 0 failures in 9 s"], -15, 1),
        ([PRODUCTS[0], "seed 7: 90 cases, 500 checks, 0 server errors, 0 failures in 9 s"], 0, 1),
        ([*PRODUCTS, "seed 7: 180 cases, 1000 checks, 2 server errors, 0 failures in 9 s"], 0, 1),
    ],
    ids=["sound", "killed", "one product missing", "server errors"],
)
def test_read_fuzzing_requires_requests_to_both_products(lines, code, violations):
    assert len(read_fuzzing(lines, code).violations) == violations
