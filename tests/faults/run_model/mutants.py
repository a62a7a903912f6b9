"""The mutants."""
from pathlib import Path
import ast

MUTANTS = {}


def break_code(trees: dict[Path, ast.Module], name: str | None) -> set[Path]:
    return set()
MODULES = ("tests.faults.run_model.mutants", "tests.faults.run_model.runner")
