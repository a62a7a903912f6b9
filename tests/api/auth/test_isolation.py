"""Two users of one installation: neither can read, change or detect the other's items."""

import pytest

from app.services import removal as user_removal
from app.services.accounts import users
from app.services.previews import removal
from tests.support.accounts import Visitor, in_browser, person, with_token
from tests.support.factories import make_run, row, sql
from tests.support.listings import list_board
from tests.support.parallel import in_parallel
from tests.support.previews import finish_preview, postings
from tests.support.responses import problem

ACME = {"source": "greenhouse", "board": "acme", "name": "Acme"}
ANN, BOB = "ann@example.org", "bob@example.org"


@pytest.fixture
def visitors(accounts_app) -> tuple[Visitor, Visitor]:
    """Ann in a browser, and Bob with curl."""
    person(accounts_app, ANN)
    return in_browser(accounts_app, ANN), with_token(accounts_app, person(accounts_app, BOB))


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "runs/{}"), ("GET", "runs/{}/events"), ("POST", "abort/{}")]
)
def test_run_of_another_user_looks_like_a_missing_one(visitors, method, path):
    ann, bob = visitors
    run_id = bob.call("POST", "ingestion/start").json["run_id"]
    before = row(run_id)
    foreign, missing = (
        ann.call(method, f"ingestion/{path.format(each)}", X_Request_ID="same") for each in (run_id, run_id + 1)
    )
    assert foreign.data.replace(str(run_id).encode(), b"N") == missing.data.replace(str(run_id + 1).encode(), b"N")
    assert dict(foreign.headers) == dict(missing.headers)
    problem(foreign, 404, "run_not_found")
    assert row(run_id) == before


def test_credential_of_another_user_looks_like_a_missing_one(visitors):
    ann, bob = visitors
    [token] = bob.call("GET", "auth/credentials").json["credentials"]
    foreign, missing = (
        ann.call("DELETE", f"auth/credentials/{each}", X_Request_ID="same") for each in (token["credential_id"], 999)
    )
    assert foreign.data == missing.data
    assert dict(foreign.headers) == dict(missing.headers)
    problem(foreign, 404, "credential_not_found")
    assert bob.call("GET", "auth/me").status_code == 200


@pytest.fixture
def bobs_ids(visitors, accounts_app) -> dict[str, int]:
    """Bob's company, a finished preview of it, and a posting in the preview."""
    _, bob = visitors
    list_board("acme", ["Engineer"])
    company_id = bob.call("POST", "ingestion/companies", ACME).json["company_id"]
    with accounts_app.app_context():
        preview_id = finish_preview(users.get_by_email(BOB).user_id)
        [posting] = postings(preview_id)
    return {"company": company_id, "preview": preview_id, "posting": posting.posting_id}


@pytest.mark.parametrize(
    ("method", "path", "json", "code"),
    [
        ("GET", "companies/{company}", None, "company_not_found"),
        ("PATCH", "companies/{company}", {"name": "Mine"}, "company_not_found"),
        ("PATCH", "companies/{company}", {}, "company_not_found"),
        ("DELETE", "companies/{company}", None, "company_not_found"),
        ("GET", "dry-run/{preview}", None, "preview_not_found"),
        ("GET", "dry-run/{preview}/postings", None, "preview_not_found"),
        ("GET", "dry-run/{preview}/postings/{posting}", None, "preview_not_found"),
        ("POST", "start", None, "preview_not_found"),
    ],
)
def test_company_or_preview_of_another_user_looks_like_a_missing_one(visitors, bobs_ids, method, path, json, code):
    ann, _ = visitors
    before = sql("SELECT * FROM companies"), sql("SELECT * FROM previews")
    name, responses = code.partition("_")[0], []
    for ids in (bobs_ids, dict.fromkeys(bobs_ids, 9)):
        body = {"preview_id": ids["preview"]} if path == "start" else json
        response = ann.call(method, f"ingestion/{path.format(**ids)}", body, X_Request_ID="same")
        problem(response, 404, code)
        responses.append((response.data.replace(str(ids[name]).encode(), b"N"), dict(response.headers)))
    assert responses[0] == responses[1]
    assert (sql("SELECT * FROM companies"), sql("SELECT * FROM previews")) == before
    assert sql("SELECT 1 FROM ingestion_runs") == []


def test_posting_of_another_user_is_not_found_in_own_preview(visitors, bobs_ids, accounts_app):
    """Boards and their postings are shared, so Ann chooses another board."""
    ann, _ = visitors
    other = {**ACME, "board": "other"}
    ann.call("POST", "ingestion/companies", other)
    with accounts_app.app_context():
        anns_preview = finish_preview(users.get_by_email(ANN).user_id)
    response = ann.call("GET", f"ingestion/dry-run/{anns_preview}/postings/{bobs_ids['posting']}")
    problem(response, 404, "posting_not_found")
    for path in ("companies", "companies/export"):
        assert len(ann.call("GET", f"ingestion/{path}").json["companies"]) == 1
    assert ann.call("GET", "ingestion/dry-run").json == {"preview_id": anns_preview}
    body = {"companies": [{**other, "name": "Ann's"}]}
    assert ann.call("POST", "ingestion/companies/import", body).json["changed"] == 1
    assert [each.name for each in sql("SELECT name FROM companies ORDER BY company_id")] == ["Acme", "Ann's"]


def test_preview_of_a_shared_board_keeps_each_users_decisions(visitors, bobs_ids, accounts_app):
    ann, bob = visitors
    ann.call("POST", "ingestion/companies", {**ACME, "exclude": ["engineer"]})
    with accounts_app.app_context():
        anns_preview = finish_preview(users.get_by_email(ANN).user_id)
    previews = {ann: anns_preview, bob: bobs_ids["preview"]}
    pages = [each.call("GET", f"ingestion/dry-run/{number}/postings").json for each, number in previews.items()]
    assert [[(row["posting_id"], row["matched"]) for row in page["postings"]] for page in pages] == [
        [(bobs_ids["posting"], False)], [(bobs_ids["posting"], True)]
    ]


def test_lists_contain_only_the_users_own_items(visitors):
    ann, bob = visitors
    anns, bobs = (visitor.call("POST", "ingestion/start").json["run_id"] for visitor in visitors)
    assert anns != bobs
    for visitor, own in ((ann, anns), (bob, bobs)):
        assert [run["run_id"] for run in visitor.call("GET", "ingestion/runs").json["runs"]] == [own]
        assert visitor.call("GET", "ingestion/current-run").json == {"run_id": own}
        assert visitor.call("GET", f"ingestion/runs?before={max(anns, bobs) + 1}").json["runs"][0]["run_id"] == own
        assert len(visitor.call("GET", "auth/credentials").json["credentials"]) == 1


def test_start_concurrently_by_two_users_gives_one_run_each(accounts_app, visitors):
    responses = in_parallel(
        accounts_app, *[lambda visitor=visitor: visitor.call("POST", "ingestion/start") for visitor in visitors * 8]
    )
    assert sorted(response.status_code for response in responses) == [201] * 2 + [409] * 14
    assert sql("SELECT count(*), count(DISTINCT user_id) AS users FROM ingestion_runs") == [(2, 2)]


def test_removed_user_loses_sessions_tokens_and_data_at_once(accounts_app, visitors, bobs_ids):
    ann, bob = visitors
    bob.call("POST", "ingestion/start")
    with accounts_app.app_context():
        bob_id = users.get_by_email(BOB).user_id
        user_removal.mark_removed(bob_id)
        user_removal.finish(bob_id)
    for path in ("auth/me", "ingestion/runs"):
        problem(bob.call("GET", path), 401, "unauthenticated")
    problem(bob.call("POST", "ingestion/start"), 401, "unauthenticated")
    assert ann.call("GET", "auth/me").status_code == 200
    for table in ("ingestion_runs", "companies", "previews", "preview_companies"):
        assert sql(f"SELECT count(*) FROM {table}") == [(0,)]
    # Without their preview nobody can read these. The reconciler removes them in batches.
    with accounts_app.app_context():
        removal.remove_postings()
    assert sql("SELECT count(*) FROM preview_postings") == [(0,)]


def test_local_users_runs_are_hidden_with_accounts(visitors):
    ann, _ = visitors
    run_id = make_run()
    problem(ann.call("GET", f"ingestion/runs/{run_id}"), 404, "run_not_found")
    assert Visitor(ann.client.application).sign_in("local@localhost", "").status_code == 422
    assert Visitor(ann.client.application).sign_in("local@localhost", "guess").status_code == 401
