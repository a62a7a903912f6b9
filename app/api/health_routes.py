"""Health and metrics, for probes and for Prometheus."""

from http import HTTPStatus
from typing import Any

from flask import Response
from prometheus_client import CONTENT_TYPE_LATEST

from app.api.http.blueprint import ApiBlueprint
from app.api.http.errors import RequestForbidden
from app.api.http.guards import may_read_internals
from app.api.http.problems import problem
from app.errors import DatabaseUnavailable
from app.observability import metrics
from app.schemas.health import AliveSchema, NotReadyProblemSchema, ReadySchema
from app.services.boards.queries import oldest_waiting_age
from app.services.health.checks import Check, check_boards, check_components, check_database
from app.services.runs import outbox

blueprint = ApiBlueprint("health", __name__, description="For probes, supervisors and Prometheus.")


@blueprint.get("/healthz")
@blueprint.public
@blueprint.response(200, AliveSchema, description="The web process responds.")
def healthz() -> Any:
    """Check that this web process responds; no other part is checked"""
    return {"status": "ok"}


@blueprint.get("/readyz")
@blueprint.public
@blueprint.response(200, ReadySchema, description="`ok`, or `degraded` while start, abort and current-run still work.")
@blueprint.problem(503, "PostgreSQL is unavailable, or its migrations are behind.", NotReadyProblemSchema)
def readyz() -> Any:
    """Check that the product works, and name the parts that do not"""
    database = check_database()
    if not database.ok:
        return _not_ready(database)
    checks = {"database": database, **check_components(), "boards": check_boards()}
    status = "ok" if all(check.ok for check in checks.values()) else "degraded"
    return {"status": status, **({"checks": checks} if may_read_internals() else {})}


@blueprint.get("/metrics")
@blueprint.public
@blueprint.response(200, {"type": "string"}, content_type="text/plain", description="Prometheus's text format.")
def prometheus() -> Any:
    """Get counters and gauges, over loopback or with the METRICS_TOKEN"""
    if not may_read_internals():
        raise RequestForbidden("Metrics are served over loopback, or with the METRICS_TOKEN as a Bearer token.")
    try:
        active = {status.value: count for status, count in outbox.active_counts().items()}
        gauges = metrics.Gauges(active, outbox.oldest_unpublished_age(), oldest_waiting_age())
    except DatabaseUnavailable:
        gauges = None
    return Response(metrics.render(gauges), content_type=CONTENT_TYPE_LATEST)


def _not_ready(database: Check) -> Response:
    members = {"checks": {"database": {"ok": False, "reason": database.reason}}} if may_read_internals() else {}
    response = problem(HTTPStatus.SERVICE_UNAVAILABLE, "not_ready", "The database is not ready.", **members)
    response.headers["Retry-After"] = str(DatabaseUnavailable.retry_after)
    return response
