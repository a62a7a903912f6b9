"""Runs over HTTP: statuses and complete documents, for successful and for invalid requests."""

import pytest
from flask import json

from app.services.runs import transitions
from tests.support.factories import make_run, make_user, open_transaction, row, sql, timeline
from tests.support.responses import HUGE_IDS, INVALID_IDS, problem


def test_current_run_is_null_without_a_run(client):
    response = client.get("/api/ingestion/current-run")
    assert (response.status_code, response.json) == (200, {"run_id": None})


def test_start_makes_the_run_current(client):
    response = client.post("/api/ingestion/start")
    assert (response.status_code, response.json) == (201, {"run_id": 1})
    assert response.headers["Location"] == "/api/ingestion/runs/1"
    assert client.get("/api/ingestion/current-run").json == {"run_id": 1}
    assert client.get(response.headers["Location"]).json["run_id"] == 1


def test_start_during_a_run_is_409_with_its_id(client):
    run_id = client.post("/api/ingestion/start").json["run_id"]
    assert problem(client.post("/api/ingestion/start"), 409, "run_active") == {"run_id": run_id}


def test_abort_may_be_repeated(client):
    run_id = client.post("/api/ingestion/start").json["run_id"]
    for _ in range(3):
        response = client.post(f"/api/ingestion/abort/{run_id}")
        assert (response.status_code, response.json) == (200, {"success": True, "message": f"Run {run_id} aborted"})
    assert client.get("/api/ingestion/current-run").json == {"run_id": None}
    assert len(timeline(run_id)) == 2


@pytest.mark.parametrize("status", ["finished", "error"])
def test_abort_of_an_ended_run_is_409_with_its_status(client, status):
    run_id = make_run(status)
    assert problem(client.post(f"/api/ingestion/abort/{run_id}"), 409, "run_moved") == {
        "success": False,
        "message": f"Run {run_id} cannot be aborted: its status is {status}",
        "run_status": status,
    }
    assert row(run_id).status == status


def test_run_of_another_user_looks_like_a_missing_one(client):
    other = make_run("pending", make_user("other@example.org"))
    for method, path in (("POST", "abort/{}"), ("GET", "runs/{}"), ("GET", "runs/{}/events")):
        bodies = []
        for run_id in (other, 4040):
            address = f"/api/ingestion/{path.format(run_id)}"
            response = client.open(address, method=method, headers={"X-Request-ID": "same"})
            assert problem(response, 404, "run_not_found") == {}
            bodies.append(response.text.replace(str(run_id), "N"))
        assert bodies[0] == bodies[1]
    assert row(other).status == "pending"
    assert client.get("/api/ingestion/runs").json == {"runs": [], "next_before": None}


@pytest.mark.parametrize("run_id", INVALID_IDS + HUGE_IDS)
def test_invalid_run_id_is_404(client, run_id):
    for method, path in (("POST", f"abort/{run_id}"), ("GET", f"runs/{run_id}"), ("GET", f"runs/{run_id}/events")):
        problem(client.open(f"/api/ingestion/{path}", method=method), 404, "not_found")


def test_largest_run_id_is_not_found(client):
    problem(client.get(f"/api/ingestion/runs/{2**31 - 1}"), 404, "run_not_found")


def test_run_has_all_members(client):
    run_id = make_run("ingesting", total_jobs=12)
    transitions.fail(run_id, "The board vanished.")
    found = client.get(f"/api/ingestion/runs/{run_id}").json
    times = ("created_at", "finished_at", "server_time")
    assert all(found.pop(name).endswith("+00:00") for name in times)
    assert found == {
        "run_id": run_id,
        "status": "error",
        "is_active": False,
        "can_abort": False,
        "total_jobs": 12,
        "jobs_ready": None,
        "jobs_skipped": None,
        "jobs_expired": None,
        "jobs_failed": None,
        "started_at": None,
        "dispatched_at": None,
        "error_message": "The board vanished.",
        "preview_id": None,
        "revision": 3 * 10**13,
        **dict.fromkeys(("retry_of", "deadline_at", "worker_seen_at", "previewed", "note", "closings")),
        "companies_total": None,
        **dict.fromkeys([f"companies_{state}" for state in ("waiting", "reading", "read", "taken_in", "failed")], 0),
        **dict.fromkeys(("jobs_new", "jobs_changed", "jobs_reopened", "jobs_unchanged", "jobs_done"), 0),
    }


@pytest.mark.parametrize("status", ["pending", "initializing", "ingesting"])
def test_run_is_active_until_it_ends(client, status):
    found = client.get(f"/api/ingestion/runs/{make_run(status)}").json
    assert (found["status"], found["is_active"], found["can_abort"]) == (status, True, True)


def test_timeline_has_actor_and_request_id(client):
    client.post("/api/ingestion/start", headers={"X-Request-ID": "my-start"})
    client.post("/api/ingestion/abort/1", headers={"X-Request-ID": "my-abort"})
    events = client.get("/api/ingestion/runs/1/events").json["events"]
    assert [list(event) for event in events] == [["seq", "at", "from", "to", "actor", "request_id"]] * 2
    assert [(e["seq"], e["from"], e["to"], e["actor"], e["request_id"]) for e in events] == [
        (1, None, "pending", "user", "my-start"),
        (2, "pending", "aborted", "user", "my-abort"),
    ]
    assert [e["seq"] for e in client.get("/api/ingestion/runs/1/events?after=1").json["events"]] == [2]


def test_runs_are_paged(client):
    ids = [make_run("finished") for _ in range(5)]
    first = client.get("/api/ingestion/runs?limit=2").json
    assert ([run["run_id"] for run in first["runs"]], first["next_before"]) == (ids[:2:-1], ids[3])
    second = client.get(f"/api/ingestion/runs?limit=3&before={first['next_before']}").json
    assert ([run["run_id"] for run in second["runs"]], second["next_before"]) == (ids[2::-1], None)
    assert client.get("/api/ingestion/runs?status=error").json["runs"] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("limit=", "limit"),
        ("limit=1.5", "limit"),
        ("limit=1_0", "limit"),
        ("limit=%D9%A3", "limit"),
        ("before=0", "before"),
        ("before=-3", "before"),
        ("before=abc", "before"),
        (f"before={2**31}", "before"),
        (f"before={2**63 - 1}", "before"),
        (f"before={'9' * 5000}", "before"),
        ("status=paused", "status"),
        ("status=", "status"),
        ("status=PENDING", "status"),
        ("order=asc", "order"),
    ],
)
def test_runs_refuse_an_invalid_query(client, query, field):
    members = problem(client.get(f"/api/ingestion/runs?{query}"), 422, "invalid_input")
    assert list(members["errors"]) == [field]
    assert all(isinstance(text, str) for text in members["errors"][field])


@pytest.mark.parametrize("after", ["-1", "x", str(2**31), str(2**63 - 1), ""])
def test_timeline_refuses_an_invalid_query(client, after):
    run_id = make_run()
    members = problem(client.get(f"/api/ingestion/runs/{run_id}/events?after={after}"), 422, "invalid_input")
    assert list(members["errors"]) == ["after"]


@pytest.mark.parametrize(
    "address", ["runs?limit=1", "runs?limit=100", f"runs?before={2**31 - 1}", f"runs/1/events?after={2**31 - 1}"]
)
def test_queries_accept_the_ends_of_their_ranges(client, address):
    make_run()
    assert client.get(f"/api/ingestion/{address}").status_code == 200


@pytest.mark.parametrize("body", [None, b"", b"{}", b"  {}  "])
def test_start_needs_no_body(client, body):
    assert client.post("/api/ingestion/start", data=body, content_type="application/json").status_code == 201


@pytest.mark.parametrize("body", [b"[]", b"null", b"1", b'"x"', b"true", b"[{}]"])
def test_start_refuses_a_body_that_is_no_object(client, body):
    response = client.post("/api/ingestion/start", data=body, content_type="application/json")
    assert "_schema" in problem(response, 422, "invalid_input")["errors"]
    assert sql("SELECT 1 FROM ingestion_runs") == []


@pytest.mark.parametrize("body", [{"companies": []}, {"": 1}, {"run_id": 7}, {"\ud800": 1}, {"a\u0000": 1}])
def test_start_refuses_unknown_fields_by_name(client, body):
    response = client.post("/api/ingestion/start", data=json.dumps(body), content_type="application/json")
    assert problem(response, 422, "invalid_input") == {"errors": {name: ["Unknown field."] for name in body}}
    assert sql("SELECT 1 FROM ingestion_runs") == []


@pytest.mark.parametrize(
    "body", [b"{", b"{]", b"\xff\xfe", b"{'a': 1}", b"[" * 60_000, b'{"a":' * 10_000, b"1" * 5000, b"\x00"]
)
def test_start_refuses_invalid_json(client, body):
    problem(client.post("/api/ingestion/start", data=body, content_type="application/json"), 400, "bad_request")
    assert sql("SELECT 1 FROM ingestion_runs") == []


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "json"])
@pytest.mark.parametrize("path", ["start", "abort/1"])
def test_body_with_another_content_type_is_415(client, path, kind):
    problem(client.post(f"/api/ingestion/{path}", data=b"{}", content_type=kind), 415, "unsupported_media_type")


@pytest.mark.parametrize("path", ["start", "abort/1"])
def test_body_above_64_kib_is_413(client, path):
    body = b'{"a": "' + b"x" * 65536 + b'"}'
    response = client.post(f"/api/ingestion/{path}", data=body, content_type="application/json")
    problem(response, 413, "body_too_large")


def test_body_of_64_kib_is_accepted(client):
    body = b" " * (65536 - 2) + b"{}"
    assert client.post("/api/ingestion/start", data=body, content_type="application/json").status_code == 201


def test_abort_ignores_its_body(client):
    run_id = make_run("ingesting")
    response = client.post(f"/api/ingestion/abort/{run_id}", data=b'{"why": 1', content_type="application/json")
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/api/ingestion/start", {"POST", "OPTIONS"}),
        ("PUT", "/api/ingestion/current-run", {"GET", "HEAD", "OPTIONS"}),
        ("DELETE", "/api/ingestion/runs/1", {"GET", "HEAD", "OPTIONS"}),
        ("GET", "/api/ingestion/abort/1", {"POST", "OPTIONS"}),
    ],
)
def test_wrong_method_is_405_and_names_the_allowed_ones(client, method, path, allowed):
    response = client.open(path, method=method)
    problem(response, 405, "method_not_allowed")
    assert set(response.headers["Allow"].split(", ")) == allowed


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/ingestion", "/api/nowhere", "/api/ingestion/start/", "/nowhere"]
)
def test_unknown_path_is_a_problem_document(client, path):
    problem(client.get(path), 404, "not_found")


def test_internal_error_reveals_no_internals(client):
    sql("CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''inner secret''; END'")
    sql("CREATE TRIGGER broken BEFORE INSERT ON ingestion_runs FOR EACH ROW EXECUTE FUNCTION broken()")
    try:
        response = client.post("/api/ingestion/start")
    finally:
        sql("DROP FUNCTION broken() CASCADE")
    assert problem(response, 500, "internal_error") == {}
    assert not any(word in response.text for word in ("INSERT", "psycopg", "Traceback", "ingestion_runs", "secret"))


def test_database_without_tables_is_503(client, user_id):
    sql("ALTER TABLE ingestion_runs RENAME TO hidden")
    try:
        response = client.get("/api/ingestion/current-run")
    finally:
        sql("ALTER TABLE hidden RENAME TO ingestion_runs")
    assert problem(response, 503, "database_unavailable") == {}


def test_database_that_does_not_respond_is_503_with_retry_after(client, user_id):
    run_id = make_run("pending")
    with open_transaction(f"SELECT * FROM ingestion_runs WHERE id = {run_id} FOR UPDATE"):
        response = client.post(f"/api/ingestion/abort/{run_id}")
    assert problem(response, 503, "database_unavailable") == {}
    assert response.headers["Retry-After"] == "2"
    assert row(run_id).status == "pending"


@pytest.mark.parametrize(
    ("number", "status"), [("7.0", 404), ("7e0", 404), ("7.5", 422), ('"7"', 422), ("true", 422), ("1e400", 422)]
)
def test_start_accepts_any_json_notation_of_an_integer(client, number, status):
    body = f'{{"preview_id": {number}}}'
    response = client.post("/api/ingestion/start", data=body, content_type="application/json")
    problem(response, status, "preview_not_found" if status == 404 else "invalid_input")
