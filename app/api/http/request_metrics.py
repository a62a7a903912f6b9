"""Count and time every request; log those that may change something, are refused, or fail."""

import time
from functools import cache

import structlog
from flask import Flask, Response, g
from flask.globals import request_ctx
from prometheus_client import Counter, Histogram

from app.api.auth.current_user import SAFE_METHODS
from app.observability import metrics

log = structlog.get_logger(__name__)

PROBING_STATUSES = (401, 403, 404, 429)
"""Statuses that are logged for reads too, because an attacker's probes produce them."""

KNOWN_METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")


def init_app(app: Flask) -> None:
    """Measure every request, including those that the guards refuse."""
    app.before_request(_start_timer)
    app.after_request(_record)


@cache
def _series(method: str, route: str, code: int) -> tuple[Counter, Histogram]:
    """Return the metrics with these labels."""
    return metrics.REQUESTS.labels(method, route, code), metrics.REQUEST_SECONDS.labels(method, route)


def _start_timer() -> None:
    g.started_at = time.perf_counter()


def _record(response: Response) -> Response:
    seconds, req = time.perf_counter() - g.started_at, request_ctx.request
    # The labels are the route's rule, not the path, and known methods only: clients must not create endless labels.
    route = req.url_rule.rule if req.url_rule else "unknown"
    method = req.method if req.method in KNOWN_METHODS else "other"
    count, duration = _series(method, route, response.status_code)
    count.inc()
    duration.observe(seconds)
    if req.method not in SAFE_METHODS or response.status_code >= 500 or response.status_code in PROBING_STATUSES:
        fields = {"method": req.method, "path": req.path, "code": response.status_code, "user_id": g.get("user_id")}
        log.info("request", **fields, ms=round(seconds * 1000, 1))
    return response
