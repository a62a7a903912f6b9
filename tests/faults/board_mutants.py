"""The mutants of boards: changes that break a promise in one place. The named tests must fail with each of them.

``python -m tests.faults.board_mutants [words]`` runs those tests on a copy of the product for each mutant, or for
those whose name contains one of the words.
"""

import ast
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.config.settings import PROJECT
from tests.faults.rewriting import MatchError, Rewrite, modules, rewrite_once

BOARDS = "tests/services/boards/"
PREVIEWS = "tests/services/previews/"
COPIED = ("app", "tests", "docs")
LINKED = ("migrations", "frontend", "setup.cfg", "pyproject.toml")
PROGRAMS = ("celery_worker.py", "gunicorn.conf.py", "wsgi.py", "run.py")
"""Copied too: Python imports from the folder of the file that a link leads to."""

MAX_SECONDS = 300


@dataclass(frozen=True)
class SqlRewrite:
    """Replace the only occurrence of ``old`` in the strings of a program, whatever its white space."""

    old: str
    new: str = ""


@dataclass(frozen=True)
class BoardMutant:
    """A change of code, its effect, and the test that catches it."""

    effect: str
    rewrites: tuple[Rewrite | SqlRewrite, ...]
    test: str


def mutant(effect: str, test: str, *rewrites: Rewrite | SqlRewrite) -> BoardMutant:
    """Return a mutant that this test catches."""
    return BoardMutant(effect, rewrites, test)


MINE = Rewrite("_a.c.lease_id == func.any(_)", "_a.c.lease_id.is_not(None)")
NO_LEASE = ":lease IS NOT NULL"
ONE_SNAPSHOT = """
from app.extensions import db
with db.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection, connection.begin():
    _answered = {row.preview_id for row in connection.execute(_statement, {"ended": _listing})}
    return [row.preview_id for row in connection.execute(_have, {"previews": sorted(_answered)})]
"""
TWO_STATEMENTS = """
_answered = {_row.preview_id for _row in _run(_statement, ended=_listing)}
return [_row.preview_id for _row in _run(_have, previews=sorted(_answered))] if _answered else []
"""

BOARD_MUTANTS: dict[str, BoardMutant] = {
    # --- Leases
    "a listing is stored without its lease": mutant(
        "a reader whose lease was lost stores its listing", f"{BOARDS}test_readings.py::test_lost_lease_writes_nothing",
        SqlRewrite("WHERE boards.board_id = :board AND lease_id = :lease",
                   f"WHERE boards.board_id = :board AND {NO_LEASE}"),
    ),
    "texts are stored without a lease": mutant(
        "a reader whose lease was lost stores texts", f"{BOARDS}test_readings.py::test_lost_lease_writes_nothing",
        SqlRewrite("WHERE board_id = :board AND lease_id = :lease", f"WHERE board_id = :board AND {NO_LEASE}"),
    ),
    "a lease is renewed without its id": mutant(
        "a reader renews another's lease", f"{BOARDS}test_leases.py::test_renewal_leaves_a_lost_lease_alone", MINE,
    ),
    "a lease is released without its id": mutant(
        "a reader releases another's lease", f"{BOARDS}test_leases.py::test_release_leaves_a_lost_lease_alone", MINE,
    ),
    "a lease is not renewed": mutant(
        "a board that takes longer than a lease is read twice",
        f"{BOARDS}test_leases.py::test_renewal_extends_the_lease",
        Rewrite("_u.values(lease_until=seconds_from_now(_))", "_u.values(attempt=BOARDS.c.attempt)"),
    ),
    "a reader renews no lease": mutant(
        "a board that takes longer than a lease is read twice",
        f"{BOARDS}test_worker.py::test_lease_of_a_slow_board_is_renewed_also_past_the_slice",
        Rewrite("if time.monotonic() >= self._renew_at:\n    self._renew_at = _", "pass"),
    ),
    "two readers claim the same board": mutant(
        "simultaneous claims wait for each other",
        f"{BOARDS}test_claims.py::test_claim_skips_a_board_that_is_being_stored",
        Rewrite("_b.with_for_update(of=BOARDS, key_share=True, skip_locked=True)",
                "_b.with_for_update(of=BOARDS, key_share=True)"),
    ),
    "a leased board is claimed": mutant(
        "a board is read twice at once", f"{BOARDS}test_claims.py::test_claim_passes_over_a_board",
        Rewrite("or_(_b.lease_until.is_(None), _b.lease_until <= NOW)", "true()"),
    ),
    # --- Wants and answers
    "an old reading ends a want": mutant(
        "nobody reads a board that somebody waits for", f"{BOARDS}test_claims.py::test_claim_takes_a_board",
        Rewrite("func.coalesce(_b.content_began_at >= _, false())", "_b.content_began_at.is_not(None)"),
    ),
    "an old reading answers a company": mutant(
        "a refreshed preview shows an old listing",
        f"{PREVIEWS}test_answers.py::test_listing_answers_if_it_began_late_enough",
        Rewrite("has_fresh_content(units.c, BOARDS.c)", "BOARDS.c.content_began_at.is_not(None)"),
    ),
    "the work that is left is asked on the snapshot of the answer": mutant(
        "a preview whose last two companies are answered at once is forgotten",
        f"{PREVIEWS}test_answers.py::test_last_two_answers_at_once_name_the_preview_at_least_once",
        Rewrite(TWO_STATEMENTS.strip(), ONE_SNAPSHOT.strip()),
    ),
    # --- Truth
    "a partial listing ages postings": mutant(
        "a posting that was on a lost page is missing",
        f"{BOARDS}test_truth.py::test_partial_listing_ages_nothing_and_says_how_much_is_unread",
        Rewrite("if not _r.is_whole:\n    return _", "pass"),
    ),
    "a posting is closed by one witness": mutant(
        "a posting is closed by the listing that first lacks it",
        f"{BOARDS}test_storing.py::test_missing_posting_closes_after_a_second_witness",
        SqlRewrite("coalesce(missing_since <= held.began_at - make_interval(secs => :witness), false)",
                   ":witness IS NOT NULL"),
    ),
    "witnesses may be close": mutant(
        "a fault of minutes closes postings",
        f"{BOARDS}test_storing.py::test_witnesses_are_counted_from_begin_to_begin",
        SqlRewrite("make_interval(secs => :witness)", "make_interval(secs => 0 * :witness)"),
    ),
    "a shrink is not held": mutant(
        "half a board is missing at once",
        f"{BOARDS}test_truth.py::TestHeld::test_shrink_is_held_until_an_alike_listing_an_hour_later",
        Rewrite("if not _is_shrunk(_p, _r):\n    return _complete(_p, _r)", "return _complete(_p, _r)"),
    ),
    "border: an old second look brings the next forward": mutant(
        "a second look comes before it can prove anything",
        f"{BOARDS}test_truth.py::test_second_look_of_long_ago_brings_none_forward",
        Rewrite("due = max(due, _p.second_look_at + _s)", "due = _p.second_look_at + _s"),
    ),
    "border: the source's time brings a look forward": mutant(
        "a second look comes before it can prove anything",
        f"{BOARDS}test_truth_gone.py::TestGone::test_source_that_accepts_requests_early_brings_no_look_forward",
        Rewrite("max(look_again_at, _f.retry_at)", "_f.retry_at"),
    ),
    "border: answers are counted once the board is gone": mutant(
        "the count of a gone board grows without end",
        f"{BOARDS}test_truth_gone.py::TestGone::test_answers_after_the_board_is_gone_are_not_counted",
        Rewrite("if _is_gone(_e, _p.complete_at, _t):\n    return _e", "pass"),
    ),
    "border: a hold lets a gone board close postings": mutant(
        "postings are closed although the operator holds the board",
        f"{BOARDS}test_truth_gone.py::TestGone::test_hold_keeps_the_postings_of_a_board_that_is_gone",
        Rewrite("_p.open_postings and not _p.is_on_hold", "_p.open_postings"),
    ),
    # --- Storing
    "unchanged postings are sent": mutant(
        "each reading sends all texts to PostgreSQL",
        f"{BOARDS}test_storing.py::test_unchanged_listing_sends_no_text",
        Rewrite("_k and (_k.content_hash, _k.hash_version) == _", "False"),
    ),
    "seen postings are written": mutant(
        "each reading writes the whole board",
        f"{BOARDS}test_storing.py::test_unchanged_listing_writes_no_posting_revision_or_event",
        Rewrite("{_e: _r for _e, _r in known.items() if _r.missing_since is not None}", "dict(known)"),
    ),
    "missing postings are missed again": mutant(
        "a posting is missing twice", f"{BOARDS}test_storing.py::test_missing_posting_closes_after_a_second_witness",
        SqlRewrite("AND (lost.is_closed OR missing_since IS NULL)"),
    ),
}


def break_code(trees: dict[Path, ast.Module], mutant: BoardMutant) -> set[Path]:
    """Apply the mutant's rewrites to these trees; return the changed modules. Raises MatchError."""
    return {
        rewrite_sql(trees, each) if isinstance(each, SqlRewrite) else rewrite_once(trees, each)
        for each in mutant.rewrites
    }


def rewrite_sql(trees: dict[Path, ast.Module], rewrite: SqlRewrite) -> Path:
    """Apply the rewrite to the strings of these trees; return the path of the changed one. Raises MatchError."""
    found = []
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                words = " ".join(node.value.split())
                if rewrite.old in words:
                    found.append((path, node))
    if len(found) != 1:
        raise MatchError(f"{rewrite} must match once, but matches in {[str(path) for path, _ in found]}")
    path, node = found[0]
    node.value = f" {' '.join(str(node.value).split()).replace(rewrite.old, rewrite.new, 1)} "
    return path


def is_caught(mutant: BoardMutant | None, tests: Sequence[str]) -> tuple[bool, str]:
    """Run the tests on a copy of the product with this mutant. Return whether one failed, and the last line."""
    with tempfile.TemporaryDirectory(prefix="ji-copy-", dir="/tmp") as name:
        copy = Path(name)
        copy.chmod(0o711)
        for each in COPIED:
            shutil.copytree(PROJECT / each, copy / each)
        for each in PROGRAMS:
            shutil.copy2(PROJECT / each, copy / each)
        for each in LINKED:
            (copy / each).symlink_to(PROJECT / each)
        if mutant:
            trees = modules(copy / "app")
            for path in break_code(trees, mutant):
                (copy / "app" / path).write_text(ast.unparse(trees[path]))
        command = [sys.executable, "-m", "pytest", "-q", "-n0", "-x", "-p", "no:cacheprovider", *tests]
        ours = {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE_")}
        run = subprocess.run(command, cwd=copy, env=ours, capture_output=True, text=True, timeout=MAX_SECONDS)
        lines = run.stdout.strip().splitlines() or run.stderr.strip().splitlines() or [""]
        # 1: tests failed. Any other code but 0 is a fault of the mutant itself.
        if run.returncode not in (0, 1) or " error" in lines[-1]:
            raise RuntimeError(run.stdout[-3000:] + run.stderr[-1000:])
        return run.returncode == 1, lines[-1]


def check_all(mutants: Mapping[str, BoardMutant], words: Sequence[str] = ()) -> Iterator[tuple[str, bool, str]]:
    """Check each mutant; yield its name, whether it was caught, and pytest's last line."""
    for name, each in mutants.items():
        if not words or any(word in name for word in words):
            yield name, *is_caught(each, [each.test])


def main(mutants: Mapping[str, BoardMutant]) -> int:
    """Check those mutants that the command names; return the exit code."""
    missed = 0
    for name, caught, line in check_all(mutants, sys.argv[1:]):
        print(f"{'ok    ' if caught else 'FAILED'} {name}: {line}", flush=True)
        missed += not caught
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(BOARD_MUTANTS))
