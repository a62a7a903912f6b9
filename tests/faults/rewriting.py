"""Rewrite a program's syntax tree: find a pattern written in Python, and replace it.

In a pattern ``_`` matches any expression or name, and ``_name`` matches one that the new code repeats. ``__name``
matches a statement, and ``...`` any number of arguments, elements or statements. So a pattern needs none of the
program's own names.
"""

import ast
import re
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OUTER_NODES = (ast.FunctionDef, ast.Assign, ast.AnnAssign)


class MatchError(Exception):
    """A rewrite matches nowhere, or in several places."""


@dataclass(frozen=True)
class Rewrite:
    """Replace the only match of ``old`` by ``new``; an empty ``new`` deletes it.

    The outermost function or assignment around the match must also contain a match of ``inside``.
    """

    old: str
    new: str = ""
    inside: str = "_"


@dataclass(frozen=True)
class SqlRewrite:
    """Replace the only occurrence of ``old`` in the strings of a program, whatever its white space."""

    old: str
    new: str = ""


def modules(folder: Path) -> dict[Path, ast.Module]:
    """Return the syntax trees of all modules below the folder, by relative path."""
    return {path.relative_to(folder): ast.parse(path.read_text()) for path in sorted(folder.rglob("*.py"))}


def rewrite_once(trees: dict[Path, ast.Module], rewrite: Rewrite) -> Path:
    """Apply the rewrite to these trees; return the path of the changed one. Raises MatchError."""
    matching = [path for path, tree in trees.items() for _ in range(_Rewriter(rewrite).rewrite(tree))]
    if len(matching) != 1:
        raise MatchError(f"{rewrite} must match once, but matches in {[str(path) for path in matching]}")
    return matching[0]


def rewrite_sql(trees: dict[Path, ast.Module], rewrite: SqlRewrite) -> Path:
    """Apply the rewrite to the strings of these trees; return the path of the changed one. Raises MatchError.

    The rest of the string stays as it is: a comment of SQL ends with its line.
    """
    old = re.compile(r"\s+".join(map(re.escape, rewrite.old.split())))
    strings = [
        (path, node) for path, tree in trees.items() for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and old.search(node.value)
    ]
    if len(strings) != 1:
        raise MatchError(f"{rewrite} must match once, but matches in {[str(path) for path, _ in strings]}")
    path, node = strings[0]
    node.value = old.sub(lambda _: rewrite.new, str(node.value), count=1)
    return path


class _Rewriter(ast.NodeTransformer):
    def __init__(self, rewrite: Rewrite) -> None:
        self.old, self.new, self.inside = map(_parsed, (rewrite.old, rewrite.new, rewrite.inside))
        self.number = 0
        self._is_inside: bool | None = None

    def rewrite(self, tree: ast.Module) -> int:
        """Rewrite the tree; return the number of matches."""
        self.visit(tree)
        return self.number

    def visit(self, node: ast.AST) -> Any:
        if self._is_inside is not None or not isinstance(node, OUTER_NODES):
            return self._rewritten(node)
        self._is_inside = any(_matches(self.inside, each, {}) for each in ast.walk(node))
        node = self._rewritten(node)
        self._is_inside = None
        return node

    def _rewritten(self, node: ast.AST) -> Any:
        found: dict[str, Any] = {}
        if self._is_inside and _matches(self.old, node, found):
            return self._replacement(found)
        if self._is_inside and isinstance(self.old, list):
            for block in (block for _, block in ast.iter_fields(node) if isinstance(block, list)):
                self._rewrite_block(block, len(self.old))
        return self.generic_visit(node)

    def _rewrite_block(self, block: list[Any], length: int) -> None:
        for start in reversed(range(len(block) - length + 1)):
            found: dict[str, Any] = {}
            if _matches(self.old, block[start:start + length], found):
                new = self._replacement(found)
                block[start:start + length] = new if isinstance(new, list) else [new]

    def _replacement(self, found: dict[str, Any]) -> Any:
        self.number += 1
        filler = _Filler(found)
        new = deepcopy(self.new)
        return [filler.visit(each) for each in new] if isinstance(new, list) else new and filler.visit(new)


class _Filler(ast.NodeTransformer):
    """Replace the names of a pattern by the code that they matched."""

    def __init__(self, found: dict[str, Any]) -> None:
        self.found = found

    def visit_Name(self, node: ast.Name) -> Any:
        return deepcopy(self.found[node.id]) if node.id.startswith("_") else node

    def visit_Expr(self, node: ast.Expr) -> Any:
        value = self.visit(node.value)
        return value if isinstance(value, ast.stmt) else ast.Expr(value)


def _parsed(text: str) -> Any:
    """Parse a pattern: one expression, one statement, a list of statements, or None if it is empty."""
    body = ast.parse(text).body
    if len(body) != 1:
        return body or None
    return body[0].value if isinstance(body[0], ast.Expr) else body[0]


def _matches(pattern: Any, node: Any, found: dict[str, Any]) -> bool:
    """Return whether the node matches the pattern; collect in ``found`` the code that the placeholders match."""
    name = _placeholder(pattern)
    if name and isinstance(node, (ast.stmt if name.startswith("__") else ast.expr, str)):
        return name == "_" or _text(found.setdefault(name, node)) == _text(node)
    if isinstance(pattern, list):
        return isinstance(node, list) and _all_match(pattern, node, found)
    if isinstance(pattern, ast.AST):
        fields = [field for field in pattern._fields if field != "ctx"]
        return type(pattern) is type(node) and all(
            _matches(getattr(pattern, field), getattr(node, field), found) for field in fields
        )
    return bool(pattern == node)


def _all_match(patterns: list[Any], nodes: list[Any], found: dict[str, Any]) -> bool:
    if not patterns or not nodes:
        return all(map(_is_ellipsis, patterns)) and not nodes
    if _is_ellipsis(patterns[0]):
        rest = dict(found)
        if _all_match(patterns[1:], nodes, rest):
            found.update(rest)
            return True
        return _all_match(patterns, nodes[1:], found)
    return _matches(patterns[0], nodes[0], found) and _all_match(patterns[1:], nodes[1:], found)


def _is_ellipsis(pattern: Any) -> bool:
    value = pattern.value if isinstance(pattern, ast.Expr) else pattern
    return isinstance(value, ast.Constant) and value.value is ...


def _placeholder(pattern: Any) -> str:
    """Return the placeholder's name, or an empty string if the pattern is no placeholder."""
    if isinstance(pattern, ast.Expr):
        return _placeholder(pattern.value) if _placeholder(pattern.value).startswith("__") else ""
    word = pattern.id if isinstance(pattern, ast.Name) else pattern
    return word if isinstance(word, str) and word.startswith("_") else ""


def _text(node: Any) -> str:
    return node if isinstance(node, str) else ast.unparse(node)
