"""Health checks and metrics over HTTP."""

from dataclasses import replace

import flask_migrate
import pytest

from app import create_app
from app.extensions import db
from app.models import Component
from app.services.boards.queries import oldest_waiting_age
from app.services.health import heartbeats
from tests.support.factories import make_run, make_run_company, make_user, sql
from tests.support.responses import problem


def beat_all() -> None:
    for component in Component:
        heartbeats.beat(component, "here")


def age_heartbeat(component: str, seconds: float) -> None:
    sql(
        "UPDATE heartbeats SET at = clock_timestamp() - make_interval(secs => :seconds) WHERE component = :component",
        seconds=seconds, component=component,
    )


def test_healthz_needs_no_database(client):
    sql("ALTER TABLE alembic_version RENAME TO hidden")
    try:
        response = client.get("/healthz")
    finally:
        sql("ALTER TABLE hidden RENAME TO alembic_version")
    assert (response.status_code, response.json) == (200, {"status": "ok"})


def test_readyz_is_ok_if_all_parts_work(client):
    beat_all()
    response = client.get("/readyz")
    assert response.status_code == 200
    names = ("database", *Component, "boards")
    assert response.json == {"status": "ok", "checks": {name: {"ok": True, "reason": None} for name in names}}


@pytest.mark.parametrize("component", list(Component))
def test_readyz_is_degraded_by_a_silent_component_and_names_it(client, component):
    beat_all()
    age_heartbeat(component, 9.5)
    response = client.get("/readyz")
    assert (response.status_code, response.json["status"]) == (200, "degraded")
    failed = {name: check["reason"] for name, check in response.json["checks"].items() if not check["ok"]}
    assert list(failed) == [component]
    assert component in failed[component]


def make_waiting(seconds: float) -> None:
    """Insert a preview that began so long ago, of which a company waits."""
    preview_id = sql(
        "INSERT INTO previews (user_id, settings_hash, created_at, deadline_at)"
        " VALUES (:user_id, '', clock_now() - make_interval(secs => :seconds), clock_now() + interval '900 s')"
        " RETURNING preview_id",
        user_id=make_user(), seconds=seconds,
    )[0].preview_id
    sql(
        "INSERT INTO preview_companies (preview_id, position, company_id, board_id, source, board, name, fresh_after)"
        " VALUES (:preview_id, 1, 1, 1, 'lever', 'acme', 'Acme', clock_now())",
        preview_id=preview_id,
    )


def test_readyz_is_degraded_by_a_company_that_waits_too_long(client):
    beat_all()
    make_waiting(290)
    assert client.get("/readyz").json["status"] == "ok"
    sql("UPDATE previews SET created_at = created_at - interval '20 s'")
    ready = client.get("/readyz").json
    assert (ready["status"], ready["checks"]["boards"]["ok"]) == ("degraded", False)
    reason = "A company of a preview or run has waited for its job board for 31"
    assert ready["checks"]["boards"]["reason"].startswith(reason)
    sql("UPDATE preview_companies SET state = 'failed', outcome = 'out_of_time', listed_at = now()")
    assert client.get("/readyz").json["status"] == "ok"


def test_metrics_show_the_age_of_the_oldest_waiting_company(client):
    assert sample(client.get("/metrics").text, "boards_oldest_waiting_seconds") == 0
    make_waiting(90)
    assert 90 <= sample(client.get("/metrics").text, "boards_oldest_waiting_seconds") < 120
    sql("UPDATE previews SET finished_at = now()")
    assert sample(client.get("/metrics").text, "boards_oldest_waiting_seconds") == 0


def test_age_of_the_oldest_waiting_company_counts_runs_under_way(client):
    run_id = make_run("initializing", deadline_at="infinity")
    make_run_company(run_id)
    sql("UPDATE ingestion_runs SET started_at = clock_now() - interval '90 s'")
    make_waiting(30)
    assert 90 <= oldest_waiting_age().total_seconds() < 120
    sql("UPDATE ingestion_runs SET status = 'aborted', finished_at = clock_now()")
    assert 30 <= oldest_waiting_age().total_seconds() < 60


def test_age_of_the_oldest_waiting_company_leaves_out_pending_runs(client):
    make_run_company(make_run())
    assert oldest_waiting_age().total_seconds() == 0


def test_readyz_tolerates_a_short_silence(client):
    beat_all()
    for component in Component:
        age_heartbeat(component, heartbeats.MAX_AGE_SECONDS[component] - 3)
    assert client.get("/readyz").json["status"] == "ok"


def test_readyz_is_ok_with_one_live_instance(client):
    beat_all()
    age_heartbeat("worker", 100)
    heartbeats.beat(Component.WORKER, "elsewhere")
    assert client.get("/readyz").json["status"] == "ok"


def test_readyz_reports_redis_as_unknown_without_a_reconciler(client):
    heartbeats.beat(Component.WORKER, "here")
    checks = client.get("/readyz").json["checks"]
    assert checks["reconciler"]["reason"] == "No heartbeat of the reconciler in the last hour."
    assert checks["redis"]["reason"] == "Unknown: no reconciler reports on it."


def test_heartbeats_of_old_instances_are_deleted(app):
    beat_all()
    age_heartbeat("worker", 3601)
    heartbeats.beat(Component.RECONCILER, "here")
    left = [beat.component for beat in sql("SELECT component FROM heartbeats ORDER BY 1")]
    assert left == ["previewer", "reader", "reconciler", "redis"]


def test_readyz_leaves_out_components_of_a_newer_version(client):
    beat_all()
    sql("INSERT INTO heartbeats VALUES ('archivist', 'elsewhere', clock_timestamp())")
    response = client.get("/readyz")
    assert (response.status_code, response.json["status"]) == (200, "ok")
    assert "archivist" not in response.json["checks"]


def test_readyz_is_503_if_migrations_are_behind(client):
    flask_migrate.downgrade()
    try:
        response = client.get("/readyz")
    finally:
        flask_migrate.upgrade()
    members = problem(response, 503, "not_ready")
    assert "db upgrade" in members["checks"]["database"]["reason"]
    assert response.headers["Retry-After"] == "2"


def test_readyz_is_503_without_tables(client):
    sql("ALTER TABLE alembic_version RENAME TO hidden")
    try:
        response = client.get("/readyz")
    finally:
        sql("ALTER TABLE hidden RENAME TO alembic_version")
    assert "does not have this version's tables" in problem(response, 503, "not_ready")["checks"]["database"]["reason"]


def get_from_outside(accounts_app, path, **headers):
    return accounts_app.test_client().get(path, headers=headers, environ_overrides={"REMOTE_ADDR": "203.0.113.9"})


def test_readyz_hides_details_from_strangers(accounts_app):
    beat_all()
    assert get_from_outside(accounts_app, "/readyz").json == {"status": "ok"}


def test_readyz_503_hides_details_from_strangers(accounts_app):
    sql("ALTER TABLE alembic_version RENAME TO hidden")
    try:
        assert problem(get_from_outside(accounts_app, "/readyz"), 503, "not_ready") == {}
    finally:
        sql("ALTER TABLE hidden RENAME TO alembic_version")


@pytest.mark.parametrize("token", ["", "Bearer", "Bearer ", "Bearer wrong", "sesame", "Bearer sesame2", "Bearer ä"])
def test_metrics_are_refused_to_strangers(accounts_app, token):
    problem(get_from_outside(accounts_app, "/metrics", Authorization=token), 403, "forbidden")


def test_metrics_token_opens_metrics_and_details(accounts_app):
    beat_all()
    assert get_from_outside(accounts_app, "/metrics", Authorization="Bearer sesame").status_code == 200
    assert "checks" in get_from_outside(accounts_app, "/readyz", Authorization="Bearer sesame").json


def test_metrics_token_that_is_not_set_opens_nothing(client, app):
    assert app.config["SETTINGS"].metrics_token is None
    response = client.get(
        "/metrics", headers={"Authorization": "Bearer None"}, environ_overrides={"REMOTE_ADDR": "203.0.113.9"}
    )
    problem(response, 403, "forbidden")


def sample(text: str, name: str) -> float:
    return float(next(line for line in text.splitlines() if line.startswith(name)).rpartition(" ")[2])


def test_metrics_count_requests_and_transitions(client):
    name = 'http_requests_total{code="404",method="GET",route="/api/ingestion/runs/<run_id:run_id>"}'
    client.get("/api/ingestion/runs/77")
    client.post("/api/ingestion/abort/77")
    before = client.get("/metrics").text
    client.get("/api/ingestion/runs/78")
    client.post("/api/ingestion/start")
    after = client.get("/metrics").text
    assert sample(after, name) == sample(before, name) + 1
    assert sample(after, 'run_transitions_total{to="pending"}') >= 1


def test_metrics_show_active_runs_and_the_oldest_unpublished(client):
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


def test_unknown_method_creates_no_label(client):
    for number in range(3):
        client.open("/healthz", method=f"PURGE{number}")
    text = client.get("/metrics").text
    assert "PURGE" not in text
    assert 'method="other"' in text


def test_readyz_is_ok_if_migrations_are_ahead(client):
    """An upgrade migrates the database first. The old processes must stay ready until they are replaced."""
    beat_all()
    [head] = sql("SELECT version_num FROM alembic_version")
    sql("UPDATE alembic_version SET version_num = 'ffffffffffff'")
    try:
        response = client.get("/readyz")
    finally:
        sql("UPDATE alembic_version SET version_num = :head", head=head.version_num)
    assert (response.status_code, response.json["status"]) == (200, "ok")


def test_forged_loopback_in_x_forwarded_for_is_refused(settings, app):
    behind_proxy = create_app(replace(settings, auth="accounts", proxy_hops=1))
    client = behind_proxy.test_client()
    forged = {"X-Forwarded-For": "127.0.0.1"}
    from_elsewhere = {"REMOTE_ADDR": "203.0.113.9"}
    problem(client.get("/metrics", headers=forged, environ_overrides=from_elsewhere), 403, "forbidden")
    problem(client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}), 403, "forbidden")
    assert client.get("/metrics", headers=forged).status_code == 200
    with behind_proxy.app_context():
        db.engine.dispose()


def test_unknown_path_creates_no_label(client):
    for number in range(3):
        client.get(f"/nowhere/{number}")
    assert "/nowhere" not in client.get("/metrics").text
