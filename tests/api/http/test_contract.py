"""Every operation of the OpenAPI document does what the document says, whatever it is sent."""

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
from tests.support.contract import PEOPLE, Figures, fuzz, write_tokens
from tests.support.factories import make_run, sql
from tests.support.previews import company, finished

EXAMPLES = 3
SEED = 20261126


class Client(werkzeug.Client):
    """Schemathesis 4.32 passes settings of the network on to it, when it asks again without a credential."""

    def open(self, *words: Any, max_redirects=None, verify=None, cert=None, proxies=None, **more: Any) -> Any:
        """One request."""
        return super().open(*words, **more)


@pytest.fixture(autouse=True)
def _client(monkeypatch):
    monkeypatch.setattr(wsgi, "get_client", Client)


@pytest.fixture
def people_app(settings, app) -> Iterator[Flask]:
    """AUTH=accounts under whatever name it is called by."""
    other = create_app(replace(settings, auth="accounts", secret_key=SECRET_KEY))
    yield other
    with other.app_context():
        db.engine.dispose()


def served(app: Flask) -> Callable[..., Any]:
    """Loads the document of an application that is called as from this machine."""

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        return app({**environ, "REMOTE_ADDR": "127.0.0.1"}, start_response)

    return partial(schemathesis.openapi.from_wsgi, "/api/openapi.json", application)


@pytest.fixture
def unlimited(broker) -> Callable[[str], None]:
    """How often passwords and boards may be tried has tests of its own."""

    def forget_tries(operation: str) -> None:
        if operation.endswith(("/detect", "/login", "/password")):
            for name in broker.scan_iter("job-ingestion:tries*"):
                broker.delete(name)

    return forget_tries


def belongings(user_id: int) -> None:
    """A company, a finished preview of it with a posting, and runs at their end."""
    company(user_id, "acme")
    preview_id = finished(user_id)
    make_run("finished", user_id, preview_id=preview_id)
    make_run("error", user_id, error_message="No.")


def sound(figures: Figures, succeeded: int) -> None:
    """Nothing was found, and it was looked for."""
    assert not figures.failures, "\n\n".join(figures.failures[:10])
    assert figures.operations == len(EXPECTED)
    assert min(figures.phases[name] for name in ("coverage", "fuzzing", "stateful")) > 0
    assert len(figures.succeeded) >= succeeded


def test_with_one_user_every_answer_is_as_documented(app, boards, user_id, unlimited):
    boards.greenhouse("acme", [job(1, "Engineer")])
    belongings(user_id)
    # Those of accounts are not there, and what is a draw from all ids may not be met.
    sound(fuzz(served(app), EXAMPLES, SEED, before=unlimited), succeeded=20)


def test_with_accounts_every_answer_is_as_documented_and_nobody_sees_what_is_anothers(
    people_app, boards, tmp_path, unlimited
):
    boards.greenhouse("acme", [job(1, "Engineer")])
    tokens, revive = write_tokens(tmp_path)
    with people_app.app_context():
        for name in PEOPLE:
            belongings(person(people_app, f"{name}@example.org"))
        sql(revive)

    def revived(operation: str) -> None:
        if operation.startswith("DELETE /api/auth/"):
            with people_app.app_context():
                sql(revive)

    # All but signing in and changing a password, for which it would have to guess one.
    sound(fuzz(served(people_app), EXAMPLES, SEED, tokens, unlimited, revived), succeeded=24)
