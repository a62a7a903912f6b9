"""What probes and Prometheus are told."""

from dataclasses import replace

import flask_migrate
import pytest

from app import create_app
from app.extensions import db
from app.models import Component
from app.services.health import heartbeats
from tests.api.test_ingestion_routes import problem
from tests.support.factories import make_run, make_user, sql


def all_well() -> None:
    for component in Component:
        heartbeats.beat(component, "here")


def silence(component: str, seconds: float) -> None:
    sql(
        "UPDATE heartbeats SET at = clock_timestamp() - make_interval(secs => :seconds) WHERE component = :component",
        seconds=seconds, component=component,
    )


def test_alive_asks_nobody(client):
    sql("ALTER TABLE alembic_version RENAME TO elsewhere")
    try:
        answer = client.get("/healthz")
    finally:
        sql("ALTER TABLE elsewhere RENAME TO alembic_version")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


def test_all_well_is_ok(client):
    all_well()
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json == {
        "status": "ok",
        "checks": {name: {"ok": True, "reason": None} for name in ("database", "worker", "reconciler", "redis")},
    }


@pytest.mark.parametrize("component", list(Component))
def test_a_silent_component_degrades_and_is_named(client, component):
    all_well()
    silence(component, 9.5)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["status"]) == (200, "degraded")
    bad = {name: check["reason"] for name, check in answer.json["checks"].items() if not check["ok"]}
    assert list(bad) == [component]
    assert component in bad[component]


def test_a_component_silent_for_a_moment_is_well(client):
    all_well()
    for component in Component:
        silence(component, heartbeats.MAX_AGE_SECONDS[component] - 3)
    assert client.get("/readyz").json["status"] == "ok"


def test_one_live_instance_is_enough(client):
    all_well()
    silence("worker", 100)
    heartbeats.beat(Component.WORKER, "elsewhere")
    assert client.get("/readyz").json["status"] == "ok"


def test_without_a_reconciler_redis_is_not_known(client):
    heartbeats.beat(Component.WORKER, "here")
    checks = client.get("/readyz").json["checks"]
    assert checks["reconciler"]["reason"] == "No heartbeat of the reconciler yet."
    assert checks["redis"]["reason"] == "Unknown: no reconciler reports on it."


def test_instances_long_gone_are_forgotten(app):
    all_well()
    silence("worker", 3601)
    heartbeats.beat(Component.RECONCILER, "here")
    assert [beat.component for beat in sql("SELECT component FROM heartbeats ORDER BY 1")] == ["reconciler", "redis"]


def test_migrations_that_are_behind_are_not_ready(client):
    flask_migrate.downgrade()
    try:
        answer = client.get("/readyz")
    finally:
        flask_migrate.upgrade()
    special = problem(answer, 503, "not_ready")
    assert "db upgrade" in special["checks"]["database"]["reason"]
    assert answer.headers["Retry-After"] == "2"


def test_a_database_without_tables_is_not_ready(client):
    sql("ALTER TABLE alembic_version RENAME TO elsewhere")
    try:
        answer = client.get("/readyz")
    finally:
        sql("ALTER TABLE elsewhere RENAME TO alembic_version")
    assert "does not have this version's tables" in problem(answer, 503, "not_ready")["checks"]["database"]["reason"]


def from_outside(accounts_app, path, **headers):
    return accounts_app.test_client().get(path, headers=headers, environ_overrides={"REMOTE_ADDR": "203.0.113.9"})


def test_others_see_readiness_without_its_details(accounts_app):
    all_well()
    assert from_outside(accounts_app, "/readyz").json == {"status": "ok"}


def test_others_see_no_details_of_unreadiness_either(accounts_app):
    sql("ALTER TABLE alembic_version RENAME TO elsewhere")
    try:
        assert problem(from_outside(accounts_app, "/readyz"), 503, "not_ready") == {}
    finally:
        sql("ALTER TABLE elsewhere RENAME TO alembic_version")


@pytest.mark.parametrize("token", ["", "Bearer", "Bearer ", "Bearer wrong", "sesame", "Bearer sesame2", "Bearer ä"])
def test_others_see_no_metrics(accounts_app, token):
    problem(from_outside(accounts_app, "/metrics", Authorization=token), 403, "forbidden")


def test_who_knows_the_token_sees_all(accounts_app):
    all_well()
    assert from_outside(accounts_app, "/metrics", Authorization="Bearer sesame").status_code == 200
    assert "checks" in from_outside(accounts_app, "/readyz", Authorization="Bearer sesame").json


def test_without_a_token_set_an_empty_one_opens_nothing(client, app):
    assert app.config["SETTINGS"].metrics_token is None
    answer = client.get(
        "/metrics", headers={"Authorization": "Bearer None"}, environ_overrides={"REMOTE_ADDR": "203.0.113.9"}
    )
    problem(answer, 403, "forbidden")


def sample(text: str, name: str) -> float:
    return float(next(line for line in text.splitlines() if line.startswith(name)).rpartition(" ")[2])


def test_metrics_count_requests_by_route_and_code_and_transitions(client):
    name = 'http_requests_total{code="404",method="GET",route="/api/ingestion/runs/<run_id:run_id>"}'
    client.get("/api/ingestion/runs/77")
    client.post("/api/ingestion/abort/77")
    before = client.get("/metrics").text
    client.get("/api/ingestion/runs/78")
    client.post("/api/ingestion/start")
    after = client.get("/metrics").text
    assert sample(after, name) == sample(before, name) + 1
    assert sample(after, 'run_transitions_total{to="pending"}') >= 1


def test_metrics_show_active_runs_and_the_oldest_that_waits(client):
    make_run("ingesting")
    make_run("pending", make_user("a@example.org"))
    old = make_run("pending", make_user("b@example.org"))
    sql("UPDATE ingestion_runs SET created_at = now() - interval '90 s' WHERE id = :id", id=old)
    text = client.get("/metrics").text
    assert sample(text, 'runs_active{status="pending"}') == 2
    assert sample(text, 'runs_active{status="initializing"}') == 0
    assert sample(text, 'runs_active{status="ingesting"}') == 1
    assert 90 <= sample(text, "runs_oldest_unpublished_seconds") < 120
    sql("UPDATE ingestion_runs SET dispatched_at = now()")
    assert sample(client.get("/metrics").text, "runs_oldest_unpublished_seconds") == 0


def test_a_method_that_a_client_made_up_makes_no_new_label(client):
    for number in range(3):
        client.open("/healthz", method=f"PURGE{number}")
    text = client.get("/metrics").text
    assert "PURGE" not in text
    assert 'method="other"' in text


def test_a_database_ahead_of_this_version_is_ready(client):
    """It is migrated before the processes are replaced; none of them may leave the load balancer for that."""
    all_well()
    [head] = sql("SELECT version_num FROM alembic_version")
    sql("UPDATE alembic_version SET version_num = 'ffffffffffff'")
    try:
        answer = client.get("/readyz")
    finally:
        sql("UPDATE alembic_version SET version_num = :head", head=head.version_num)
    assert (answer.status_code, answer.json["status"]) == (200, "ok")


def test_who_writes_loopback_into_a_header_sees_nothing(settings, app):
    behind_proxy = create_app(replace(settings, auth="accounts", proxy_hops=1))
    client = behind_proxy.test_client()
    forged = {"X-Forwarded-For": "127.0.0.1"}
    past_the_proxy = {"REMOTE_ADDR": "203.0.113.9"}
    problem(client.get("/metrics", headers=forged, environ_overrides=past_the_proxy), 403, "forbidden")
    problem(client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}), 403, "forbidden")
    assert client.get("/metrics", headers=forged).status_code == 200
    with behind_proxy.app_context():
        db.engine.dispose()


def test_an_address_that_does_not_exist_makes_no_new_label(client):
    for number in range(3):
        client.get(f"/nowhere/{number}")
    assert "/nowhere" not in client.get("/metrics").text
