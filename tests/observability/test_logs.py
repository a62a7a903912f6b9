"""The content of the log, and the secrets that it never contains."""

import io
import json
import logging

import pytest
import structlog

from app.observability import logs
from app.services.runs import transitions
from tests.support.accounts import PASSWORD, Visitor, person, with_token
from tests.support.factories import sql
from tests.support.starts import start_run


@pytest.fixture
def lines(app):
    """Return a function that reads the lines logged in this test, as JSON."""
    logs.configure("json")
    root = logging.getLogger()
    copy = logging.StreamHandler(io.StringIO())
    copy.setFormatter(root.handlers[0].formatter)
    root.addHandler(copy)
    yield lambda: [json.loads(line) for line in copy.stream.getvalue().splitlines()]
    root.removeHandler(copy)


def test_transition_is_one_info_line_with_run_and_request(client, lines):
    run_id = client.post("/api/ingestion/start", headers={"X-Request-ID": "first"}).json["run_id"]
    client.post(f"/api/ingestion/abort/{run_id}", headers={"X-Request-ID": "second"})
    client.post(f"/api/ingestion/abort/{run_id}", headers={"X-Request-ID": "third"})
    moved = [line for line in lines() if line["event"] == "run moved"]
    assert [(m["run_id"], m["to"], m["level"], m["request_id"]) for m in moved] == [
        (run_id, "pending", "info", "first"),
        (run_id, "aborted", "info", "second"),
    ]


def test_replayed_start_is_logged_with_its_run_and_without_its_key(client, lines):
    for number in ("first", "second"):
        headers = {"X-Request-ID": number, "Idempotency-Key": "what-a-client-writes"}
        run_id = client.post("/api/ingestion/start", headers=headers).json["run_id"]
    logged = lines()
    [replayed] = [line for line in logged if line["event"] == "start replayed"]
    assert (replayed["run_id"], replayed["request_id"], replayed["level"]) == (run_id, "second", "info")
    assert "what-a-client-writes" not in str(logged)


def test_request_id_is_not_logged_after_its_request(client, lines, user_id):
    client.get("/healthz", headers={"X-Request-ID": "gone"})
    transitions.abort(start_run(user_id))
    assert {line.get("request_id") for line in lines() if line["event"] == "run moved"} == {None}


def test_database_unavailable_is_logged_with_its_reason(client, lines, user_id):
    sql("ALTER TABLE ingestion_runs RENAME TO elsewhere")
    try:
        client.get("/api/ingestion/current-run", headers={"X-Request-ID": "mine"})
    finally:
        sql("ALTER TABLE elsewhere RENAME TO ingestion_runs")
    [line] = [line for line in lines() if line["event"] == "database unavailable"]
    assert (line["request_id"], "db upgrade" in line["reason"]) == ("mine", True)


def test_request_for_something_of_another_user_is_logged(accounts_app, lines):
    ann = person(accounts_app, "ann@example.org")
    made_up, hers = Visitor(accounts_app, Authorization="Bearer made-up"), with_token(accounts_app, ann)
    for visitor, path in ((made_up, "runs/1"), (hers, "runs/1"), (hers, "runs"), (hers, "companies/7")):
        visitor.call("GET", f"ingestion/{path}")
    hers.call("DELETE", "ingestion/companies/7", Authorization="none")
    logged = [(line["path"], line["code"], line["user_id"]) for line in lines() if line["event"] == "request"]
    assert logged == [
        ("/api/ingestion/runs/1", 401, None),
        ("/api/ingestion/runs/1", 404, ann),
        ("/api/ingestion/companies/7", 404, ann),
        ("/api/ingestion/companies/7", 401, None),
    ]


def test_refused_start_is_no_transition(client, lines):
    client.post("/api/ingestion/start")
    client.post("/api/ingestion/start")
    assert len([line for line in lines() if line["event"] == "run moved"]) == 1


def test_line_breaks_of_a_client_begin_no_new_line(client, lines):
    client.post("/api/ingestion/%0A%7B%22level%22:%22fake%22%7D", headers={"X-Request-ID": "x"})
    assert all(line["level"] != "fake" for line in lines())


def test_secrets_of_headers_and_servers_are_not_logged(client, lines, settings):
    client.post("/api/ingestion/start", headers={"Authorization": "Bearer s3same", "Cookie": "session=s3same"})
    text = json.dumps(lines())
    passwords = [(settings.data_dir / f"{name}.password").read_text() for name in ("postgres", "redis")]
    assert not any(secret in text for secret in ["s3same", *passwords])


def test_secrets_of_accounts_are_not_logged(accounts_app, lines):
    person(accounts_app, "ann@example.org")
    visitor = Visitor(accounts_app)
    visitor.sign_in("ann@example.org", "not-the-Passw0rd")
    visitor.sign_in("ann@example.org")
    token = visitor.call("POST", "auth/credentials", {"name": "cron"}).json["token"]
    Visitor(accounts_app, Authorization=f"Bearer {token}").call("POST", "ingestion/start")
    change = {"current_password": PASSWORD, "new_password": "a whole new password"}
    assert visitor.call("POST", "auth/password", change).status_code == 204
    cookie = visitor.client.get_cookie("__Host-session", domain="jobs.example.org").value
    text = json.dumps(lines())
    secrets = ["not-the-Passw0rd", PASSWORD, "a whole new password", token, cookie, cookie.partition(".")[0]]
    assert not any(secret in text for secret in [*secrets, "ann@example.org", "argon2"])
    events = {line["event"] for line in lines()}
    assert {"sign-in refused", "credential issued", "password changed"} <= events


def test_library_log_has_the_same_format(lines):
    logging.getLogger("a.library").warning("it is %s", "late", extra={"minutes": 3})
    [line] = lines()
    assert (line["event"], line["logger"], line["level"], line["minutes"]) == ("it is late", "a.library", "warning", 3)
    assert line["timestamp"].endswith("Z")


def test_exception_is_one_line(lines):
    try:
        raise ValueError("no")
    except ValueError:
        logging.getLogger("a.library").exception("failed")
    [line] = lines()
    assert line["exception"].startswith("Traceback")


def test_console_format_is_readable(capfd):
    logs.configure("console")
    try:
        structlog.get_logger("here").info("run moved", run_id=3)
        logs.drain()
        line = capfd.readouterr().err
    finally:
        logs.configure("json")
    assert "run moved" in line and "run_id=3" in line
