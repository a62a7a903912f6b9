"""Every operation responds to another user's id exactly as to a missing id, byte for byte.

The operations come from the OpenAPI document, so that the test covers all of them. The same requests are sent while the
owner and the items exist, and after both were deleted.
"""

from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

import pytest

from app.services import removal
from app.services.accounts import users
from tests.support.accounts import HOST, Visitor, in_browser, person, with_token
from tests.support.factories import make_run, sql
from tests.support.listings import list_board
from tests.support.previews import company, finish_preview, postings
from tests.support.run_units import add_event, add_job, add_unit

ANN, BOB = "ann@example.org", "bob@example.org"
ROWS = ("ingestion_runs", "run_events", "companies", "previews", "preview_companies", "preview_postings") + (
    "run_companies", "jobs", "job_events",
    "credentials NATURAL JOIN users WHERE email = 'bob@example.org'",
)


REQUIRED_MEMBERS = {"expire": True}
"""A value for each required member of the bodies of requests with an id."""


class IdRequest(NamedTuple):
    """A request that contains an id."""

    method: str
    path: str
    json: dict[str, Any] | None = None


def requests_with(document: dict[str, Any], ids: dict[str, list[int]]) -> Iterator[IdRequest]:
    """Yield every request that the document allows with these ids, in the URL or in the body.

    Raises KeyError for a new kind of id: add it to the fixture ``ids``.
    """
    for path, methods in document["paths"].items():
        names = [each["name"] for each in methods.get("parameters", []) if each["in"] == "path"]
        for method, operation in methods.items():
            if method != "parameters":
                for chosen in product(*(ids[name] for name in names)):
                    address = path.removeprefix("/api/").format(**dict(zip(names, chosen, strict=True)))
                    yield from _with_bodies(document, method.upper(), address, operation, ids, bool(names))


def _with_bodies(document, method, address, operation, ids, has_id) -> Iterator[IdRequest]:
    if has_id and not operation.get("requestBody", {}).get("required"):
        yield IdRequest(method, address)
        if method == "GET":
            yield IdRequest("HEAD", address)
    if body := operation.get("requestBody"):
        name = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        schema = document["components"]["schemas"][name]
        members = schema.get("properties", {})
        if has_id:
            # A body without a required member is refused before the id is looked at.
            required = {member: REQUIRED_MEMBERS[member] for member in schema.get("required", [])}
            yield IdRequest(method, address, required)
            yield from (IdRequest(method, address, {"name": "Mine"}) for _ in members.keys() & {"name"})
        for member in members:
            if member.endswith("_id"):
                yield from (IdRequest(method, address, {member: each}) for each in ids[member])


@pytest.fixture
def document(accounts_app) -> dict[str, Any]:
    return accounts_app.test_client().get("/api/openapi.json", base_url="https://jobs.example.org", headers=HOST).json


@pytest.fixture
def bob(accounts_app) -> Visitor:
    return with_token(accounts_app, person(accounts_app, BOB))


@pytest.fixture
def ids(accounts_app, bob) -> dict[str, list[int]]:
    """Bob's items: runs in every status, a job, a company, a finished preview with a posting, and a token."""
    list_board("acme", ["Engineer"])
    with accounts_app.app_context():
        bobs = users.get_by_email(BOB).user_id
        made = {"company_id": [company(bobs, "acme")], "preview_id": [finish_preview(bobs)]}
        ended = [make_run("finished", bobs), make_run("error", bobs, error_message="No."), make_run("aborted", bobs)]
        [posting] = postings(made["preview_id"][0])
        add_unit(ended[0], 1, "acme", "taken_in")
        made["job_id"] = [add_job(bobs)]
        add_event(made["job_id"][0], ended[0])
    [token] = bob.call("GET", "auth/credentials").json["credentials"]
    active = bob.call("POST", "ingestion/start").json["run_id"]
    more = {"posting_id": [posting.posting_id], "credential_id": [token["credential_id"]], "run_id": [*ended, active]}
    return {**made, **more}


def bobs_rows() -> list[list[Any]]:
    return [sql(f"SELECT * FROM {rows} ORDER BY 1, 2") for rows in ROWS]


def send(visitor: Visitor, request: IdRequest) -> tuple[int, bytes, dict[str, str]]:
    response = visitor.call(request.method, request.path, request.json, X_Request_ID="same")
    return response.status_code, response.data, dict(response.headers)


def test_every_operation_treats_foreign_ids_like_missing_ones(accounts_app, document, bob, ids):
    person(accounts_app, ANN)
    with accounts_app.app_context():
        visitors = [in_browser(accounts_app, ANN), with_token(accounts_app, users.get_by_email(ANN).user_id)]
        before = bobs_rows()
        sent = [(visitor, request) for visitor in visitors for request in requests_with(document, ids)]
        existing = [send(*each) for each in sent]
        assert bobs_rows() == before
        bob_id = users.get_by_email(BOB).user_id
        removal.mark_removed(bob_id)
        removal.finish(bob_id)
    missing = [send(*each) for each in sent]
    for (_, request), one, other in zip(sent, existing, missing, strict=True):
        assert one == other, request
        assert one[0] == 404, request
        assert one[2]["Content-Type"] == "application/problem+json", request


def test_every_operation_finds_the_owners_own_ids(document, bob, ids):
    """Check that the ids exist, or the other test would compare only missing items. DELETE requests come last."""
    sent = sorted(requests_with(document, ids), key=lambda each: (each.method == "DELETE", "credentials" in each.path))
    statuses = [send(bob, request)[0] for request in sent]
    assert [request for request, status in zip(sent, statuses, strict=True) if status in (401, 404)] == []
    assert len(sent) > 20
