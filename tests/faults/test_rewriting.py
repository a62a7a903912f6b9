"""Rewrites of syntax trees: matches, replacements, and patterns that match nowhere or twice."""

import ast
from pathlib import Path

import pytest

from app.config.settings import PROJECT
from app.models import RunStatus
from tests.faults.mutants import MUTANTS
from tests.faults.rewriting import MatchError, Rewrite, modules, rewrite_once

SOURCE = """
def claim(owner):
    due = select(RUNS.c.id).where(RUNS.c.owner == owner, RUNS.c.at <= now())
    if due:
        publish(due)
    mark(due)
    return sorted(due, key=len)

LIMIT = least(1, 2)
"""


def rewritten(rewrite: Rewrite, source: str = SOURCE) -> str:
    tree = ast.parse(source)
    rewrite_once({Path("due.py"): tree}, rewrite)
    return ast.unparse(tree)


@pytest.mark.parametrize(
    ("rewrite", "old", "new"),
    [
        (Rewrite("_.c.owner == _"), "RUNS.c.owner == owner, ", ""),
        (Rewrite("_a <= _b", "_a >= _b"), "at <= now", "at >= now"),
        (Rewrite("sorted(_rows, key=_)", "_rows"), "sorted(due, key=len)", "due"),
        (Rewrite("least(..., 2)", "3"), "least(1, 2)", "3"),
        (Rewrite("if _due:\n    ..."), "    if due:\n        publish(due)\n", ""),
        (
            Rewrite("if _due:\n    __publish\n__mark", "__mark\n__publish"),
            "    if due:\n        publish(due)\n    mark(due)\n", "    mark(due)\n    publish(due)\n",
        ),
    ],
    ids=["delete argument", "turn comparison", "remove call", "any number", "delete statement", "reorder"],
)
def test_rewrite_once_replaces_the_match(rewrite, old, new):
    before = ast.unparse(ast.parse(SOURCE))
    assert before.count(old) == 1
    assert rewritten(rewrite) == before.replace(old, new)


@pytest.mark.parametrize(
    "rewrite",
    [
        Rewrite("_.c.status == _"),
        Rewrite("_.c.owner == _", inside="delete(_)"),
        Rewrite("_a <= _a"),
        Rewrite("RUNS"),
    ],
    ids=["nowhere", "not inside", "one name for two values", "several places"],
)
def test_rewrite_once_refuses_a_pattern_that_does_not_match_once(rewrite):
    with pytest.raises(MatchError):
        rewritten(rewrite)


def test_rewrite_once_counts_matches_over_all_modules():
    with pytest.raises(MatchError, match="one.py.*two.py"):
        rewrite_once({Path(name): ast.parse(SOURCE) for name in ("one.py", "two.py")}, Rewrite("least(...)"))


def _is_assigned(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def test_mutants_use_no_names_that_the_product_defines():
    defined = set()
    for tree in modules(PROJECT / "app").values():
        nodes = list(ast.walk(tree))
        defined |= {node.name for node in nodes if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
        defined |= {name.id for node in tree.body for name in ast.walk(node) if _is_assigned(name)}
    patterns = {text for mutant in MUTANTS.values() for each in mutant.rewrites for text in (each.old, each.inside)}
    named = {node.id for text in patterns for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    assert {name for name in named & defined if name[0] != "_"} - {status.name for status in RunStatus} == set()
