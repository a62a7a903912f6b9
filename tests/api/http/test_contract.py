"""Fuzz every operation of the OpenAPI document: each response must be as documented."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import schemathesis
import werkzeug
from flask import Flask
from schemathesis.python import wsgi

from app import create_app
from app.extensions import db
from tests.api.http.test_openapi import EXPECTED
from tests.conftest import SECRET_KEY
from tests.support.accounts import person
from tests.support.boards import job
from tests.support.contract import USERS, FuzzReport, fuzz, write_tokens
from tests.support.factories import make_run, sql
from tests.support.previews import company, finish_preview
from tests.support.run_units import add_event, add_job, add_unit

EXAMPLES = 3
SEED = 20261126


class Client(werkzeug.Client):
    """A client that accepts the network settings of Schemathesis 4.32.

    Schemathesis passes them when it repeats a request without a credential.
    """

    def open(self, *words: Any, max_redirects=None, verify=None, cert=None, proxies=None, **more: Any) -> Any:
        """Send a request, and receive the response whole."""
        return super().open(*words, **more, buffered=True)


@pytest.fixture(autouse=True)
def _client(monkeypatch):
    monkeypatch.setattr(wsgi, "get_client", Client)


@pytest.fixture
def people_app(settings, app) -> Iterator[Flask]:
    """An application with AUTH=accounts that accepts every host name."""
    other = create_app(replace(settings, auth="accounts", secret_key=SECRET_KEY))
    yield other
    with other.app_context():
        db.engine.dispose()


def document_loader(app: Flask) -> Callable[..., Any]:
    """Return a loader of the application's document, whose requests come from loopback."""

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        return app({**environ, "REMOTE_ADDR": "127.0.0.1"}, start_response)

    return partial(schemathesis.openapi.from_wsgi, "/api/openapi.json", application)


@pytest.fixture
def unlimited(broker) -> Callable[[str], None]:
    """Reset the rate limits before each operation; they have tests of their own."""

    def reset_limits(operation: str) -> None:
        if operation.endswith(("/detect", "/login", "/password", "/delete")):
            for name in broker.scan_iter("job-ingestion:tries*"):
                broker.delete(name)

    return reset_limits


def make_items(user_id: int) -> None:
    """Make a company, a finished preview of it with a posting, ended runs, and a job."""
    company(user_id, "acme")
    preview_id = finish_preview(user_id)
    run_id = make_run("finished", user_id, preview_id=preview_id)
    add_unit(run_id, 1, "acme", "taken_in", new_jobs=1)
    add_event(add_job(user_id), run_id)
    make_run("error", user_id, error_message="No.")


def check_report(report: FuzzReport, succeeded: int) -> None:
    """Check that no fault was found, and that all phases ran."""
    assert not report.failures, "\n\n".join(report.failures[:10])
    assert report.operations == len(EXPECTED)
    assert min(report.phases[name] for name in ("coverage", "fuzzing", "stateful")) > 0
    assert len(report.succeeded) >= succeeded


def test_every_response_is_as_documented_with_a_local_user(app, boards, user_id, unlimited):
    boards.greenhouse("acme", [job(1, "Engineer")])
    make_items(user_id)
    # Fewer operations than all succeed: there are no accounts, and a random id may match nothing.
    check_report(fuzz(document_loader(app), EXAMPLES, SEED, before=unlimited), succeeded=20)


def test_every_response_is_as_documented_and_isolated_with_accounts(
    people_app, boards, tmp_path, unlimited
):
    boards.greenhouse("acme", [job(1, "Engineer")])
    tokens, revive = write_tokens(tmp_path)
    with people_app.app_context():
        for name in USERS:
            make_items(person(people_app, f"{name}@example.org"))
        sql(revive)

    def revived(operation: str) -> None:
        if operation.startswith("DELETE /api/auth/"):
            with people_app.app_context():
                sql(revive)

    # All operations but login and the change of a password succeed: those two need the right password.
    check_report(fuzz(document_loader(people_app), EXAMPLES, SEED, tokens, unlimited, revived), succeeded=24)
