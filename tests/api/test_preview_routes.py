"""Previews over HTTP: successful and invalid requests."""

import pytest

from app.schemas.previews import PreviewCompanySchema
from app.services.previews import lifecycle
from tests.support.factories import make_user, row, sql
from tests.support.listings import fail_board, list_board, offer
from tests.support.outbox import PREVIEWS_QUEUE
from tests.support.previews import begin_preview, company, finish_preview, postings, preview
from tests.support.responses import INVALID_IDS, problem

URL = "/api/ingestion/dry-run"


def test_preview_is_created_once_and_found_again(client, user_id):
    company(user_id, "acme")
    assert client.get(URL).json == {"preview_id": None}
    response = client.post(URL)
    assert (response.status_code, response.json) == (201, {"preview_id": 1})
    assert response.headers["Location"] == f"{URL}/1"
    again = client.post(URL, json={})
    assert (again.status_code, again.json, again.headers["Location"]) == (200, {"preview_id": 1}, f"{URL}/1")
    assert client.get(URL).json == {"preview_id": 1}
    assert client.get(response.headers["Location"]).json["preview_id"] == 1


def test_preview_message_is_published_once(client, broker, user_id):
    company(user_id, "acme")
    client.post(URL)
    client.post(URL)
    assert broker.llen(PREVIEWS_QUEUE) == 1


def test_preview_without_companies_is_409(client):
    assert problem(client.post(URL), 409, "no_companies") == {}


def test_preview_has_all_members(client, user_id):
    list_board("acme", ["Engineer", "Cook"])
    fail_board("beta")
    company_id = company(user_id, "acme", include=("engineer",))
    company(user_id, "beta")
    found = client.get(f"{URL}/{finish_preview(user_id)}").json
    acme, beta = found.pop("companies")
    times = ("created_at", "finished_at", "server_time")
    assert all(found.pop(name).endswith("+00:00") for name in times)
    assert len(found.pop("settings_hash")) == 64
    assert found == {
        "preview_id": 1,
        "is_finished": True,
        "is_current": True,
        "totals": {"companies": 2, "listed": 1, "failed": 1, "waiting": 0, "found": 2, "matched": 1},
    }
    assert acme.pop("listed_at").endswith("+00:00")
    assert acme == {
        "position": 1,
        "company_id": company_id,
        "source": "greenhouse",
        "source_name": "Greenhouse",
        "board": "acme",
        "name": "Acme",
        "url": "https://job-boards.greenhouse.io/acme",
        "include": ["engineer"],
        "exclude": [],
        "state": "listed",
        "outcome": "ok",
        "detail": None,
        "retry_at": None,
        "is_complete": True,
        "found": 2,
        "matched": 1,
        "unparsed": 0,
    }
    assert (beta["state"], beta["outcome"], beta["found"], beta["is_complete"]) == ("failed", "not_found", None, None)
    assert beta["detail"].endswith(".")


def test_preview_is_not_current_after_a_change_of_settings(client, user_id):
    company_id = company(user_id, "acme")
    preview_id = finish_preview(user_id)
    client.patch(f"/api/ingestion/companies/{company_id}", json={"include": ["cook"]})
    assert client.get(f"{URL}/{preview_id}").json["is_current"] is False
    client.patch(f"/api/ingestion/companies/{company_id}", json={"include": []})
    assert client.get(f"{URL}/{preview_id}").json["is_current"] is True


def test_postings_are_paged(client, user_id):
    list_board("acme")
    posted, updated = "2026-01-02T08:04:05+00:00", "2026-02-03T09:05:06+00:00"
    more = {"department": "Research", "posted_at": posted, "updated_at": updated, "description": "Long text"}
    offer("acme", "Engineer", locations=["Berlin", "Bonn"], **more)
    offer("acme", "Cook")
    offer("acme", "Engineer II")
    company(user_id, "acme", include=("engineer",))
    preview_id = finish_preview(user_id)
    ids = [each.posting_id for each in postings(preview_id)]
    first = client.get(f"{URL}/{preview_id}/postings?limit=2").json
    assert ([each["posting_id"] for each in first["postings"]], first["next_after"]) == (ids[:2], ids[1])
    second = client.get(f"{URL}/{preview_id}/postings?limit=2&after={ids[1]}").json
    assert ([each["posting_id"] for each in second["postings"]], second["next_after"]) == (ids[2:], None)
    assert first["postings"][0] == {
        "posting_id": ids[0],
        "position": 1,
        "company": "Acme",
        "external_id": "1",
        "title": "Engineer",
        "location": "Berlin; Bonn",
        "department": "Research",
        "workplace": None,
        "employment_type": None,
        "posted_at": "2026-01-02T08:04:05+00:00",
        "updated_at": "2026-02-03T09:05:06+00:00",
        "url": "https://example.org/jobs/1",
        "matched": True,
        "rule": {"kind": "include", "term": "engineer"},
    }
    for query, titles in (
        ("matched=true", ["Engineer", "Engineer II"]),
        ("matched=false", ["Cook"]),
        ("search=COOK", ["Cook"]),
        ("search=%25", []),
        ("company=1&matched=true&search=II", ["Engineer II"]),
        ("company=2", []),
    ):
        page = client.get(f"{URL}/{preview_id}/postings?{query}").json
        assert [each["title"] for each in page["postings"]] == titles


def test_posting_has_its_texts(client, user_id):
    list_board("acme")
    posting_id = offer("acme", "Engineer", description="Build.", locations=["Berlin"])
    company(user_id, "acme")
    preview_id = finish_preview(user_id)
    [listed] = client.get(f"{URL}/{preview_id}/postings").json["postings"]
    assert (listed["posting_id"], listed["location"]) == (posting_id, "Berlin")
    found = client.get(f"{URL}/{preview_id}/postings/{listed['posting_id']}").json
    assert found == {**listed, "description": "Build.", "requirements": None}
    problem(client.get(f"{URL}/{preview_id}/postings/404"), 404, "posting_not_found")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"), ("limit=201", "limit"), ("limit=x", "limit"), ("after=-1", "after"),
        (f"after={2**63}", "after"), (f"after={'9' * 40}", "after"), ("company=0", "company"),
        (f"company={2**31}", "company"), ("company=Acme", "company"), ("matched=yes", "matched"),
        ("matched=", "matched"), ("matched=1", "matched"), ("taken=true", "taken"), ("search=", "search"),
        (f"search={'x' * 201}", "search"), ("search=%00", "search"),
        ("order=asc", "order"),
    ],
)
def test_postings_refuse_an_invalid_query(client, user_id, query, field):
    company(user_id, "acme")
    response = client.get(f"{URL}/{begin_preview(user_id)}/postings?{query}")
    assert list(problem(response, 422, "invalid_input")["errors"]) == [field]


def test_postings_accept_the_ends_of_the_ranges(client, user_id):
    company(user_id, "acme")
    preview_id = begin_preview(user_id)
    for query in ("limit=1", "limit=200", f"after={2**63 - 1}", f"company={2**31 - 1}", f"search={'x' * 200}"):
        assert client.get(f"{URL}/{preview_id}/postings?{query}").status_code == 200


@pytest.mark.parametrize("preview_id", INVALID_IDS)
def test_invalid_preview_id_is_404(client, preview_id):
    for path in (preview_id, f"{preview_id}/postings", f"1/postings/{preview_id}"):
        problem(client.get(f"{URL}/{path}"), 404, "not_found")


def test_missing_preview_is_404(client):
    for preview_id in (1, 2**63 - 1):
        for path in (preview_id, f"{preview_id}/postings", f"{preview_id}/postings/1"):
            problem(client.get(f"{URL}/{path}"), 404, "preview_not_found")


@pytest.mark.parametrize(
    ("body", "is_refresh"), [(None, False), ({}, False), ({"refresh": False}, False), ({"refresh": True}, True)]
)
def test_preview_is_refreshed_on_request(client, user_id, body, is_refresh):
    company(user_id, "acme")
    response = client.post(URL) if body is None else client.post(URL, json=body)
    assert response.status_code == 201
    assert preview(1).is_refresh is is_refresh
    assert client.post(URL).json == {"preview_id": 1}
    refreshed = client.post(URL, json={"refresh": True})
    assert (refreshed.status_code, refreshed.json["preview_id"] == 1) == ((200, True) if is_refresh else (201, False))


@pytest.mark.parametrize("refresh", ["true", 1, 0, None, [], "yes"])
def test_preview_refuses_an_odd_refresh(client, user_id, refresh):
    company(user_id, "acme")
    response = client.post(URL, json={"refresh": refresh})
    assert list(problem(response, 422, "invalid_input")["errors"]) == ["refresh"]
    assert sql("SELECT 1 FROM previews") == []


def test_preview_of_another_with_equal_settings_is_404(client, user_id):
    other = make_user("other@example.org")
    list_board("acme", ["Engineer"])
    for each in (user_id, other):
        company(each, "acme")
    theirs, mine = finish_preview(other), finish_preview(user_id)
    [posting] = postings(theirs)
    for preview_id, status in ((mine, 200), (theirs, 404)):
        for path in (preview_id, f"{preview_id}/postings", f"{preview_id}/postings/{posting.posting_id}"):
            assert client.get(f"{URL}/{path}").status_code == status
    problem(client.post("/api/ingestion/start", json={"preview_id": theirs}), 404, "preview_not_found")
    assert client.get(URL).json == {"preview_id": mine}
    latest = begin_preview(other)
    assert client.get(URL).json == {"preview_id": mine}
    assert client.post(URL).json["preview_id"] not in (theirs, mine, latest)
    assert preview(latest).finished_at is None


@pytest.mark.parametrize("body", [{"companies": []}, {"preview_id": 1}])
def test_preview_refuses_unknown_fields(client, user_id, body):
    company(user_id, "acme")
    assert list(problem(client.post(URL, json=body), 422, "invalid_input")["errors"]) == list(body)
    assert sql("SELECT 1 FROM previews") == []


def test_start_from_a_preview_records_it(client, user_id):
    company(user_id, "acme")
    preview_id = finish_preview(user_id)
    response = client.post("/api/ingestion/start", json={"preview_id": preview_id})
    assert response.status_code == 201
    assert client.get(response.headers["Location"]).json["preview_id"] == preview_id
    run_id = response.json["run_id"]
    again = client.post("/api/ingestion/start", json={"preview_id": 404})
    assert problem(again, 409, "run_active") == {"run_id": run_id}
    assert row(run_id).preview_id == preview_id


def test_start_refuses_an_outdated_or_missing_preview(client, user_id):
    company_id = company(user_id, "acme")
    for make, change, status, code in (
        (finish_preview, {"include": ["cook"]}, 409, "preview_outdated"),
        (lambda _: 404, None, 404, "preview_not_found"),
    ):
        preview_id = make(user_id)
        if change:
            client.patch(f"/api/ingestion/companies/{company_id}", json=change)
        assert problem(client.post("/api/ingestion/start", json={"preview_id": preview_id}), status, code) == {}
    assert sql("SELECT 1 FROM ingestion_runs") == []


@pytest.mark.parametrize("preview_id", ["1", 0, -1, 1.5, 2**63, True, [], {}, "x"])
def test_start_refuses_an_invalid_preview_id(client, preview_id):
    response = client.post("/api/ingestion/start", json={"preview_id": preview_id})
    assert list(problem(response, 422, "invalid_input")["errors"]) == ["preview_id"]
    assert client.post("/api/ingestion/start", json={"preview_id": None}).status_code == 201


def test_companies_serialized_by_hand_match_their_schema(client, user_id):
    list_board("acme", ["Engineer"], "held", "held", sentence="A second reading must confirm it.")
    fail_board("beta", "throttled", retry_at="2027-01-01")
    for board in ("acme", "beta"):
        company(user_id, board, include=("engineer",), exclude=("intern",))
    listed = finish_preview(user_id)
    company(user_id, "gamma")
    waiting = begin_preview(user_id)
    sql("UPDATE boards SET lease_id = gen_random_uuid(), lease_until = now() + interval '30 s' WHERE board = 'beta'")
    for preview_id in (listed, waiting):
        rows = lifecycle.get(preview_id, user_id)["companies"]
        documented = [PreviewCompanySchema().dump(row) for row in rows]
        shown = client.get(f"/api/ingestion/dry-run/{preview_id}").json["companies"]
        assert shown == documented
        assert [list(each) for each in shown] == [list(each) for each in documented]
    assert [each["state"] for each in shown] == ["waiting", "listing", "waiting"]
