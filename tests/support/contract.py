"""Schemathesis over the OpenAPI document: what it is told, what it is excused, and what is counted."""

import hashlib
import json
import re
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import schemathesis
from schemathesis.engine import Status, events, from_schema
from schemathesis.hooks import GLOBAL_HOOK_DISPATCHER
from schemathesis.schemas import BaseSchema

PEOPLE = ("ann", "bob")
"""Two users, each of whom must not see what is the other's."""

BEYOND_JSON_SCHEMA = re.compile(r"(companies\.\d+\.)?(board|name|(include|exclude)(\.\d+)?|updated_at)")
"""Fields with rules that no JSON Schema can say: a board's name is its system's affair, a name is what
can be printed, a term has a letter or a digit, no board comes twice, a moment is one that a calendar has."""

JUDGED_BY_MEANING = ("board_", "address_refused", "several_boards", "wrong_password", "idempotency_key_reused")
"""Codes of a 422 for what is well-formed and does not fit: a board that is not there, a wrong password, a key that has
started something else."""


@dataclass
class Figures:
    """What one pass over the document came to."""

    seed: int
    operations: int = 0
    cases: int = 0
    checks: int = 0
    excused: int = 0
    phases: Counter[str] = field(default_factory=Counter)
    answers: Counter[int] = field(default_factory=Counter)
    succeeded: set[str] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)


def fuzz(
    load: Callable[..., BaseSchema],
    examples: int,
    seed: int,
    tokens: Path | None = None,
    before: Callable[[str], None] = lambda _: None,
    after: Callable[[str], None] = lambda _: None,
) -> Figures:
    """Run every check in every phase; ``before`` and ``after`` each request they are told its operation."""
    figures = Figures(seed)
    schema = load(config=_configuration(examples, seed, tokens))
    schema.hook("filter_failure")(_unexcused(figures))
    figures.operations = schema.statistic.operations.total
    with _around_calls(before, after):
        for event in from_schema(schema).execute():
            if isinstance(event, events.ScenarioFinished):
                _count(figures, event)
            elif isinstance(event, (events.NonFatalError, events.FatalError, events.Interrupted)):
                figures.failures.append(_told(event))
    return figures


def write_tokens(folder: Path) -> tuple[Path, str]:
    """A token for each of the people; returns the file that Schemathesis reads them from, and the statement that makes
    them alive (again, after the fuzzing has found and revoked them)."""
    secrets = {name: f"ji_{name}-{'x' * 40}" for name in PEOPLE}
    headers = {name: [{"name": "Authorization", "value": f"Bearer {secret}"}] for name, secret in secrets.items()}
    target = folder / "tokens.json"
    target.write_text(json.dumps({"auth": [{"name": name, "fixedHeaders": each} for name, each in headers.items()]}))
    rows = ", ".join(
        f"('{name}@example.org', decode('{hashlib.sha256(secret.encode()).hexdigest()}', 'hex'))"
        for name, secret in secrets.items()
    )
    return target, (
        "INSERT INTO credentials (user_id, kind, name, secret_hash, epoch)"
        " SELECT user_id, 'token', 'fuzzing', hash, epoch"
        f" FROM users JOIN (VALUES {rows}) AS given (email, hash) USING (email)"
        " ON CONFLICT (secret_hash) DO NOTHING"
    )


def _configuration(examples: int, seed: int, tokens: Path | None) -> schemathesis.Config:
    """All checks, all phases; the examples are per operation."""
    generation = {"database": "none", "no-shrink": True}
    peers = {"auth": {"wfc": {"path": str(tokens), "peers": list(PEOPLE)}}} if tokens else {}
    return schemathesis.Config.from_dict(
        {
            "seed": seed,
            "checks": {"enabled": True},
            "continue-on-failure": True,
            "generation": {**generation, "max-examples": examples},
            "warnings": False,
            # Nothing of an earlier pass is known; and a walk is worth more than a request.
            "cache": {"enabled": False},
            "phases": {"stateful": {"generation": {**generation, "max-examples": 3 * examples}}},
            **peers,
        }
    )


@contextmanager
def _around_calls(before: Callable[[str], None], after: Callable[[str], None]) -> Iterator[None]:
    """These hooks are Schemathesis's for all documents of the process, or none."""

    def before_call(context: Any, case: Any, kwargs: Any) -> None:
        before(case.operation.label)

    def after_call(context: Any, case: Any, response: Any) -> None:
        after(case.operation.label)

    for hook in (before_call, after_call):
        schemathesis.hook(hook)
    try:
        yield
    finally:
        for hook in (before_call, after_call):
            GLOBAL_HOOK_DISPATCHER.unregister(hook)


def _unexcused(figures: Figures) -> Callable[..., bool]:
    """The one exclusion: a 422 for what the document allows, if the document cannot forbid it."""

    def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
        if "positive_data_acceptance" not in type(failure).checks or response.status_code != 422:
            return True
        told = response.json()
        by_meaning = told["code"].startswith(JUDGED_BY_MEANING)
        excused = by_meaning or all(map(BEYOND_JSON_SCHEMA.fullmatch, told.get("errors", [""])))
        figures.excused += excused
        return not excused

    return filter_failure


def _count(figures: Figures, event: events.ScenarioFinished) -> None:
    recorder = event.recorder
    figures.cases += len(recorder.interactions)
    figures.phases[event.phase.value] += len(recorder.interactions)
    for case_id, interaction in recorder.interactions.items():
        if interaction.response is not None:
            figures.answers[interaction.response.status_code] += 1
            # Which methods there are besides is asked with OPTIONS in an operation's name.
            operation = recorder.cases[case_id].value.operation
            if interaction.response.status_code < 300 and interaction.request.method == operation.method.upper():
                figures.succeeded.add(operation.label)
    for node in (node for nodes in recorder.checks.values() for node in nodes):
        figures.checks += 1
        if node.status != Status.SUCCESS:
            told = node.failure_info
            what = f"{told.failure.operation}: {told.failure}\n{told.code_sample}" if told else "crashed"
            figures.failures.append(f"{event.phase.value}, {node.name}: {what}")


def _told(event: Any) -> str:
    """An error of the fuzzing itself."""
    error = getattr(event, "value", None) or getattr(event, "exception", None)
    return f"{type(event).__name__}: {''.join(traceback.format_exception(error)) if error else ''}"
