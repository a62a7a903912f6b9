"""How the product is, for probes and for Prometheus."""

from http import HTTPStatus
from typing import Any

from flask import Response
from prometheus_client import CONTENT_TYPE_LATEST

from app.api.http.errors import RequestForbidden
from app.api.http.guards import sees_internals
from app.api.http.openapi import PUBLIC, ApiBlueprint, Problems
from app.api.http.problems import problem
from app.errors import DatabaseUnavailable
from app.observability import metrics
from app.schemas.health import AliveSchema, NotReadyProblemSchema, ReadySchema
from app.services.health.checks import Check, check_components, check_database
from app.services.runs import outbox

NOT_READY: Problems = {503: ("PostgreSQL is away or its migrations are behind.", NotReadyProblemSchema)}

blueprint = ApiBlueprint("health", __name__, description="For probes, supervisors and Prometheus.")


@blueprint.get("/healthz")
@blueprint.response(200, AliveSchema, description="It answers.")
@blueprint.problems()
@blueprint.doc(security=PUBLIC)
def healthz() -> Any:
    """Whether this process answers; asks nobody else"""
    return {"status": "ok"}


@blueprint.get("/readyz")
@blueprint.response(200, ReadySchema, description="`ok`, or `degraded` while start, abort and current-run still work.")
@blueprint.problems(NOT_READY)
@blueprint.doc(security=PUBLIC)
def readyz() -> Any:
    """Whether the product works, and what does not"""
    database = check_database()
    if not database.ok:
        return _not_ready(database)
    checks = {"database": database, **check_components()}
    well = all(check.ok for check in checks.values())
    return {"status": "ok" if well else "degraded", **({"checks": checks} if sees_internals() else {})}


@blueprint.get("/metrics")
@blueprint.response(200, {"type": "string"}, content_type="text/plain", description="Prometheus's text format.")
@blueprint.problems()
@blueprint.doc(security=PUBLIC)
def prometheus() -> Any:
    """Counters and gauges, for loopback or the METRICS_TOKEN"""
    if not sees_internals():
        raise RequestForbidden("Metrics are for loopback, or for who knows the METRICS_TOKEN.")
    try:
        active = {status.value: count for status, count in outbox.active_counts().items()}
        gauges = metrics.RunGauges(active, outbox.oldest_unpublished().total_seconds())
    except DatabaseUnavailable:
        gauges = None
    return Response(metrics.render(gauges), content_type=CONTENT_TYPE_LATEST)


def _not_ready(database: Check) -> Response:
    known = {"checks": {"database": {"ok": False, "reason": database.reason}}} if sees_internals() else {}
    answer = problem(HTTPStatus.SERVICE_UNAVAILABLE, "not_ready", "The database is not ready.", **known)
    answer.headers["Retry-After"] = str(DatabaseUnavailable.retry_after)
    return answer
