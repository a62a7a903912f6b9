"""What is another's is answered as what is not there, byte for byte, by every operation that takes an id.

The operations come from the OpenAPI document, so that none is forgotten; the same requests are made while the things
are there, and after their owner is gone with all that was his.
"""

from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

import pytest

from app.services.accounts import users
from tests.support.accounts import HOST, Visitor, in_browser, person, with_token
from tests.support.boards import job
from tests.support.factories import make_run, sql
from tests.support.previews import company, finished, postings

ANN, BOB = "ann@example.org", "bob@example.org"
ROWS = ("ingestion_runs", "run_events", "companies", "previews", "preview_companies", "preview_postings") + (
    "credentials NATURAL JOIN users WHERE email = 'bob@example.org'",
)


class Question(NamedTuple):
    """A request that names an id."""

    method: str
    path: str
    json: dict[str, Any] | None = None


def questions(document: dict[str, Any], ids: dict[str, list[int]]) -> Iterator[Question]:
    """Every request that the document allows with these ids, in its address or in its body.

    An id of a kind that is not among them is a KeyError: whoever adds one says here whose it is.
    """
    for path, methods in document["paths"].items():
        names = [each["name"] for each in methods.get("parameters", []) if each["in"] == "path"]
        for method, operation in methods.items():
            if method != "parameters":
                for chosen in product(*(ids[name] for name in names)):
                    address = path.removeprefix("/api/").format(**dict(zip(names, chosen, strict=True)))
                    yield from _with_bodies(document, method.upper(), address, operation, ids, bool(names))


def _with_bodies(document, method, address, operation, ids, has_id) -> Iterator[Question]:
    if has_id:
        yield Question(method, address)
        if method == "GET":
            yield Question("HEAD", address)
    if body := operation.get("requestBody"):
        name = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        members = document["components"]["schemas"][name].get("properties", {})
        if has_id:
            yield Question(method, address, {})
            yield from (Question(method, address, {"name": "Mine"}) for _ in members.keys() & {"name"})
        for member in members:
            if member.endswith("_id"):
                yield from (Question(method, address, {member: each}) for each in ids[member])


@pytest.fixture
def document(accounts_app) -> dict[str, Any]:
    return accounts_app.test_client().get("/api/openapi.json", base_url="https://jobs.example.org", headers=HOST).json


@pytest.fixture
def bob(accounts_app) -> Visitor:
    return with_token(accounts_app, person(accounts_app, BOB))


@pytest.fixture
def ids(accounts_app, bob, boards) -> dict[str, list[int]]:
    """All that Bob has: runs in every status, a company, a finished preview with a posting, and a token."""
    boards.greenhouse("acme", [job(1, "Engineer")])
    with accounts_app.app_context():
        bobs = users.get_by_email(BOB).user_id
        made = {"company_id": [company(bobs, "acme")], "preview_id": [finished(bobs)]}
        ended = [make_run("finished", bobs), make_run("error", bobs, error_message="No."), make_run("aborted", bobs)]
        [posting] = postings(made["preview_id"][0])
    [token] = bob.call("GET", "auth/credentials").json["credentials"]
    active = bob.call("POST", "ingestion/start").json["run_id"]
    more = {"posting_id": [posting.posting_id], "credential_id": [token["credential_id"]], "run_id": [*ended, active]}
    return {**made, **more}


def bobs_rows() -> list[list[Any]]:
    return [sql(f"SELECT * FROM {rows} ORDER BY 1, 2") for rows in ROWS]


def ask(visitor: Visitor, question: Question) -> tuple[int, bytes, dict[str, str]]:
    answer = visitor.call(question.method, question.path, question.json, X_Request_ID="same")
    return answer.status_code, answer.data, dict(answer.headers)


def test_what_is_anothers_and_what_is_not_there_are_alike_in_every_operation(accounts_app, document, bob, ids):
    person(accounts_app, ANN)
    with accounts_app.app_context():
        visitors = [in_browser(accounts_app, ANN), with_token(accounts_app, users.get_by_email(ANN).user_id)]
        before = bobs_rows()
        asked = [(visitor, question) for visitor in visitors for question in questions(document, ids)]
        there = [ask(*each) for each in asked]
        assert bobs_rows() == before
        users.remove(users.get_by_email(BOB).user_id)
    gone = [ask(*each) for each in asked]
    for (_, question), one, other in zip(asked, there, gone, strict=True):
        assert one == other, question
        assert one[0] == 404, question
        assert one[2]["Content-Type"] == "application/problem+json", question


def test_all_of_that_is_there_for_its_owner(document, bob, ids):
    """Else nothing would be compared with nothing. What takes away comes last."""
    asked = sorted(questions(document, ids), key=lambda each: (each.method == "DELETE", "credentials" in each.path))
    statuses = [ask(bob, question)[0] for question in asked]
    assert [question for question, status in zip(asked, statuses, strict=True) if status in (401, 404)] == []
    assert len(asked) > 20
