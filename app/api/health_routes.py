"""How the product is, for probes and for Prometheus."""

from http import HTTPStatus
from typing import Any

from flask import Response
from prometheus_client import CONTENT_TYPE_LATEST

from app.api.documentation import PUBLIC, ApiBlueprint, Problems
from app.api.guards import sees_internals
from app.errors import DatabaseUnavailable, Forbidden
from app.observability import metrics
from app.problems import RETRY_AFTER_SECONDS, problem
from app.schemas.health import AliveSchema, NotReadyProblemSchema, ReadySchema
from app.services import dispatches, health

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
    database = health.check_database()
    if not database.ok:
        return _not_ready(database)
    checks = {"database": database, **health.check_components()}
    well = all(check.ok for check in checks.values())
    return {"status": "ok" if well else "degraded", **({"checks": checks} if sees_internals() else {})}


@blueprint.get("/metrics")
@blueprint.response(200, {"type": "string"}, content_type="text/plain", description="Prometheus's text format.")
@blueprint.problems()
@blueprint.doc(security=PUBLIC)
def prometheus() -> Any:
    """Counters and gauges, for loopback or the METRICS_TOKEN"""
    if not sees_internals():
        raise Forbidden("Metrics are for loopback, or for who knows the METRICS_TOKEN.")
    try:
        active = {status.value: count for status, count in dispatches.active_counts().items()}
        gauges = metrics.RunGauges(active, dispatches.oldest_undispatched().total_seconds())
    except DatabaseUnavailable:
        gauges = None
    return Response(metrics.render(gauges), content_type=CONTENT_TYPE_LATEST)


def _not_ready(database: health.Check) -> Response:
    known = {"checks": {"database": {"ok": False, "reason": database.reason}}} if sees_internals() else {}
    answer = problem(HTTPStatus.SERVICE_UNAVAILABLE, "not_ready", "The database is not ready.", **known)
    answer.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return answer
