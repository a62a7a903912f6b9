"""Changes of one company from two tabs: ``updated_at`` guards against lost updates."""

from datetime import UTC, datetime

import pytest

from app.services.companies import companies
from tests.api.test_company_routes import ACME, URL, check_refused
from tests.support.parallel import in_parallel
from tests.support.previews import company
from tests.support.responses import problem


def test_change_needs_the_current_updated_at(client, user_id):
    path = f"{URL}/{company(user_id, 'acme')}"
    read = client.get(path).json["updated_at"]
    first = client.patch(path, json={"name": "First", "updated_at": read})
    assert (first.status_code, first.json["name"]) == (200, "First")
    response = client.patch(path, json={"name": "Second", "updated_at": read})
    assert problem(response, 409, "company_changed") == {"company": first.json}
    assert client.get(path).json == first.json
    # An empty change reports the conflict too.
    assert problem(client.patch(path, json={"updated_at": read}), 409, "company_changed") == {"company": first.json}
    now = first.json["updated_at"]
    assert client.patch(path, json={"updated_at": now.replace("+00:00", "Z")}).json == first.json
    assert client.patch(path, json={"name": "Third"}).json["name"] == "Third"
    problem(client.patch(f"{URL}/987", json={"name": "x", "updated_at": now}), 404, "company_not_found")


@pytest.mark.parametrize("time", ["", "yesterday", 7, None, "2026-01-01T00:00:00", "0001-01-01T00:00:00+14:00"])
def test_change_refuses_an_invalid_updated_at(client, user_id, time):
    check_refused(client, "updated_at", {"updated_at": time}, f"/{company(user_id, 'acme')}", "PATCH")


def test_change_accepts_any_offset_in_updated_at(client, user_id):
    path = f"{URL}/{company(user_id, 'acme')}"
    response = client.patch(path, json={"name": "x", "updated_at": "2026-01-01T00:00:00+23:59"})
    problem(response, 409, "company_changed")


@pytest.mark.parametrize("method", ["POST", "import"])
def test_updated_at_is_refused_outside_of_changes(client, user_id, method):
    body = {**ACME, "updated_at": datetime.now(UTC).isoformat()}
    if method == "POST":
        check_refused(client, "updated_at", body)
    else:
        check_refused(client, "companies.0.updated_at", {"companies": [body]}, "/import")


def test_change_concurrently_with_one_updated_at_succeeds_once(app, user_id):
    company_id = company(user_id, "acme")
    for number in range(10):
        read = companies.get(company_id, user_id).updated_at
        outcomes = in_parallel(
            app,
            *[lambda n=n: companies.change(company_id, user_id, {"name": f"{number} {n}"}, read) for n in range(4)],
        )
        made = [each for each in outcomes if not isinstance(each, Exception)]
        assert len(made) == 1
        assert {each.code for each in outcomes if isinstance(each, Exception)} == {"company_changed"}
        assert companies.get(company_id, user_id).name == made[0].name
