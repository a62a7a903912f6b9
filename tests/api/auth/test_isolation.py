"""Two users of one installation: neither sees, moves or even notices what is the other's."""

import pytest

from app.services.accounts import users
from tests.api.test_ingestion_routes import problem
from tests.support.accounts import Visitor, in_browser, person, with_token
from tests.support.boards import job
from tests.support.factories import make_run, row, sql
from tests.support.parallel import in_parallel
from tests.support.previews import finished, postings

ACME = {"source": "greenhouse", "board": "acme", "name": "Acme"}
ANN, BOB = "ann@example.org", "bob@example.org"


@pytest.fixture
def both(accounts_app) -> tuple[Visitor, Visitor]:
    """Ann in her browser, and Bob with curl."""
    person(accounts_app, ANN)
    return in_browser(accounts_app, ANN), with_token(accounts_app, person(accounts_app, BOB))


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "runs/{}"), ("GET", "runs/{}/events"), ("POST", "abort/{}")]
)
def test_anothers_run_and_none_are_answered_alike_to_the_byte(both, method, path):
    ann, bob = both
    run_id = bob.call("POST", "ingestion/start").json["run_id"]
    before = row(run_id)
    asked = [
        ann.call(method, f"ingestion/{path.format(each)}", X_Request_ID="same") for each in (run_id, run_id + 1)
    ]
    assert asked[0].data.replace(str(run_id).encode(), b"N") == asked[1].data.replace(str(run_id + 1).encode(), b"N")
    assert dict(asked[0].headers) == dict(asked[1].headers)
    problem(asked[0], 404, "run_not_found")
    assert row(run_id) == before


def test_anothers_credential_and_none_are_answered_alike_to_the_byte(both):
    ann, bob = both
    [token] = bob.call("GET", "auth/credentials").json["credentials"]
    asked = [
        ann.call("DELETE", f"auth/credentials/{each}", X_Request_ID="same") for each in (token["credential_id"], 999)
    ]
    assert asked[0].data == asked[1].data
    assert dict(asked[0].headers) == dict(asked[1].headers)
    problem(asked[0], 404, "credential_not_found")
    assert bob.call("GET", "auth/me").status_code == 200


@pytest.fixture
def bobs(both, accounts_app, boards) -> dict[str, int]:
    """What Bob has: a company, a finished preview of it, and a posting in that."""
    _, bob = both
    boards.greenhouse("acme", [job(1, "Engineer")])
    company_id = bob.call("POST", "ingestion/companies", ACME).json["company_id"]
    with accounts_app.app_context():
        preview_id = finished(users.get_by_email(BOB).user_id)
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
def test_anothers_company_or_preview_and_none_are_answered_alike_to_the_byte(both, bobs, method, path, json, code):
    ann, _ = both
    before = sql("SELECT * FROM companies"), sql("SELECT * FROM previews")
    name, asked = code.partition("_")[0], []
    for ids in (bobs, dict.fromkeys(bobs, 9)):
        given = {"preview_id": ids["preview"]} if path == "start" else json
        answer = ann.call(method, f"ingestion/{path.format(**ids)}", given, X_Request_ID="same")
        problem(answer, 404, code)
        asked.append((answer.data.replace(str(ids[name]).encode(), b"N"), dict(answer.headers)))
    assert asked[0] == asked[1]
    assert (sql("SELECT * FROM companies"), sql("SELECT * FROM previews")) == before
    assert sql("SELECT 1 FROM ingestion_runs") == []


def test_a_posting_is_not_found_by_way_of_ones_own_preview(both, bobs, accounts_app, boards):
    ann, _ = both
    ann.call("POST", "ingestion/companies", ACME)
    with accounts_app.app_context():
        hers = finished(users.get_by_email(ANN).user_id)
    problem(ann.call("GET", f"ingestion/dry-run/{hers}/postings/{bobs['posting']}"), 404, "posting_not_found")
    for path in ("companies", "companies/export"):
        assert len(ann.call("GET", f"ingestion/{path}").json["companies"]) == 1
    assert ann.call("GET", "ingestion/dry-run").json == {"preview_id": hers}
    given = {"companies": [{**ACME, "name": "Hers"}]}
    assert ann.call("POST", "ingestion/companies/import", given).json["changed"] == 1
    assert [each.name for each in sql("SELECT name FROM companies ORDER BY company_id")] == ["Acme", "Hers"]


def test_lists_hold_ones_own(both):
    ann, bob = both
    hers, his = (visitor.call("POST", "ingestion/start").json["run_id"] for visitor in both)
    assert hers != his
    for visitor, own in ((ann, hers), (bob, his)):
        assert [run["run_id"] for run in visitor.call("GET", "ingestion/runs").json["runs"]] == [own]
        assert visitor.call("GET", "ingestion/current-run").json == {"run_id": own}
        assert visitor.call("GET", f"ingestion/runs?before={max(hers, his) + 1}").json["runs"][0]["run_id"] == own
        assert len(visitor.call("GET", "auth/credentials").json["credentials"]) == 1


def test_many_starts_of_two_at_once_are_one_run_each(accounts_app, both):
    answers = in_parallel(
        accounts_app, *[lambda visitor=visitor: visitor.call("POST", "ingestion/start") for visitor in both * 8]
    )
    assert sorted(answer.status_code for answer in answers) == [201] * 2 + [409] * 14
    assert sql("SELECT count(*), count(DISTINCT user_id) AS users FROM ingestion_runs") == [(2, 2)]


def test_a_removed_users_sessions_and_tokens_end_at_once_and_nobody_elses(accounts_app, both, bobs):
    ann, bob = both
    bob.call("POST", "ingestion/start")
    with accounts_app.app_context():
        users.remove(users.get_by_email(BOB).user_id)
    for path in ("auth/me", "ingestion/runs"):
        problem(bob.call("GET", path), 401, "unauthenticated")
    problem(bob.call("POST", "ingestion/start"), 401, "unauthenticated")
    assert ann.call("GET", "auth/me").status_code == 200
    for table in ("ingestion_runs", "companies", "previews", "preview_companies", "preview_postings"):
        assert sql(f"SELECT count(*) FROM {table}") == [(0,)]


def test_the_local_users_runs_are_nobodys_with_accounts(both):
    ann, _ = both
    run_id = make_run()
    problem(ann.call("GET", f"ingestion/runs/{run_id}"), 404, "run_not_found")
    assert Visitor(ann.client.application).sign_in("local@localhost", "").status_code == 422
    assert Visitor(ann.client.application).sign_in("local@localhost", "guess").status_code == 401
