"""The mutants of boards and runs change what they name.

``python -m tests.faults.board_mutants`` and ``python -m tests.faults.run_mutants`` run the tests that catch them.
"""

import ast
import re
from copy import deepcopy

import pytest

from app.config.settings import PROJECT
from tests.faults.board_mutants import BOARD_MUTANTS, break_code
from tests.faults.rewriting import MatchError, SqlRewrite, modules, rewrite_sql
from tests.faults.run_mutants import RUN_MUTANTS

ALL = BOARD_MUTANTS | RUN_MUTANTS

TREES = modules(PROJECT / "app")


@pytest.mark.parametrize("name", ALL)
def test_mutant_changes_the_code(name):
    trees = deepcopy(TREES)
    changed = break_code(trees, ALL[name])
    assert changed
    for path in changed:
        assert ast.unparse(trees[path]) != ast.unparse(TREES[path])
        compile(ast.unparse(trees[path]), str(path), "exec")


@pytest.mark.parametrize("name", ALL)
def test_mutant_names_a_test_that_exists(name):
    file, *_, test = ALL[name].test.split("::")
    assert re.search(rf"^ *def {test}\(", (PROJECT / file).read_text(), re.MULTILINE)


@pytest.mark.parametrize("source", ["A = 'a c'", "A = 'a b'\nB = 'a  b'"])
def test_rewrite_of_sql_matches_once(source):
    with pytest.raises(MatchError):
        rewrite_sql({PROJECT: ast.parse(source)}, SqlRewrite("a b"))


def test_rewrite_of_sql_ignores_white_space_and_keeps_the_rest():
    trees = {PROJECT: ast.parse("A = f'''x a\n  b y{1}  -- why\nz'''")}
    assert rewrite_sql(trees, SqlRewrite("a b", "c")) == PROJECT
    assert ast.unparse(trees[PROJECT]) == "A = f'x c y{1}  -- why\\nz'"
