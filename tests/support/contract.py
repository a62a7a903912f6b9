"""Schemathesis over the OpenAPI document: its configuration, its one exclusion and its figures."""

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

USERS = ("ann", "bob")
"""Two users who must not see each other's data."""

BEYOND_JSON_SCHEMA = re.compile(
    r"(companies\.\d+\.)?(board|name|(include|exclude)(\.\d+)?|updated_at)|new_password|after"
)
"""Fields with rules that JSON Schema cannot express: the source defines valid board tokens, a name is printable,
a term has a letter or a digit, a board is unique, a date exists in the calendar, and a password has its length in
normalization form C too, and ``after`` is a cursor that an earlier page returned."""

SEMANTIC_ERRORS = ("board_", "address_refused", "several_boards", "wrong_password", "idempotency_key_reused")
"""Codes of a 422 for a well-formed request that conflicts with the data: a missing board, a wrong password, an
idempotency key of another request."""


@dataclass
class FuzzReport:
    """The counts and failures of one pass over the document."""

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
) -> FuzzReport:
    """Run every check in every phase.

    Call ``before`` before each request and ``after`` after it, with the operation's name.
    """
    report = FuzzReport(seed)
    schema = load(config=_configuration(examples, seed, tokens))
    schema.hook("filter_failure")(_exclude(report))
    report.operations = schema.statistic.operations.total
    with _around_calls(before, after):
        for event in from_schema(schema).execute():
            if isinstance(event, events.ScenarioFinished):
                _count(report, event)
            elif isinstance(event, (events.NonFatalError, events.FatalError, events.Interrupted)):
                report.failures.append(_error_text(event))
    return report


def write_tokens(folder: Path) -> tuple[Path, str]:
    """Write a token for each user; return the file for Schemathesis and the statement that stores the tokens.

    Run the statement again whenever the fuzzing may have revoked them.
    """
    secrets = {name: f"ji_{name}-{'x' * 40}" for name in USERS}
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
    """Return the configuration: all checks, all phases, ``examples`` per operation."""
    generation = {"database": "none", "no-shrink": True}
    peers = {"auth": {"wfc": {"path": str(tokens), "peers": list(USERS)}}} if tokens else {}
    return schemathesis.Config.from_dict(
        {
            "seed": seed,
            "checks": {"enabled": True},
            "continue-on-failure": True,
            "generation": {**generation, "max-examples": examples},
            "warnings": False,
            # Each pass starts afresh; the stateful phase finds more than single requests do, and gets more examples.
            "cache": {"enabled": False},
            "phases": {"stateful": {"generation": {**generation, "max-examples": 3 * examples}}},
            **peers,
        }
    )


@contextmanager
def _around_calls(before: Callable[[str], None], after: Callable[[str], None]) -> Iterator[None]:
    """Register both hooks for the block; Schemathesis keeps hooks for the whole process."""

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


def _exclude(report: FuzzReport) -> Callable[..., bool]:
    """Return the filter for the only exclusion: a 422 for a value that JSON Schema cannot forbid."""

    def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
        if "positive_data_acceptance" not in type(failure).checks or response.status_code != 422:
            return True
        problem = response.json()
        by_meaning = problem["code"].startswith(SEMANTIC_ERRORS)
        excused = by_meaning or all(map(BEYOND_JSON_SCHEMA.fullmatch, problem.get("errors", [""])))
        report.excused += excused
        return not excused

    return filter_failure


def _count(report: FuzzReport, event: events.ScenarioFinished) -> None:
    recorder = event.recorder
    report.cases += len(recorder.interactions)
    report.phases[event.phase.value] += len(recorder.interactions)
    for case_id, interaction in recorder.interactions.items():
        if interaction.response is not None:
            report.answers[interaction.response.status_code] += 1
            # Schemathesis sends OPTIONS under an operation's name; do not count it as that operation's success.
            operation = recorder.cases[case_id].value.operation
            if interaction.response.status_code < 300 and interaction.request.method == operation.method.upper():
                report.succeeded.add(operation.label)
    for node in (node for nodes in recorder.checks.values() for node in nodes):
        report.checks += 1
        if node.status != Status.SUCCESS:
            info = node.failure_info
            text = f"{info.failure.operation}: {info.failure}\n{info.code_sample}" if info else "crash"
            report.failures.append(f"{event.phase.value}, {node.name}: {text}")


def _error_text(event: Any) -> str:
    """Return the text of an error of the fuzzing itself."""
    error = getattr(event, "value", None) or getattr(event, "exception", None)
    return f"{type(event).__name__}: {''.join(traceback.format_exception(error)) if error else ''}"
