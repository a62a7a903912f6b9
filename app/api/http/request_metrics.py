"""Counts and times every request, and logs those that may change something, are refused or fail."""

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
"""Statuses that are logged for reads too: a search for a way in shows by them."""

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")


def init_app(app: Flask) -> None:
    """Measure every request, those refused by the guards included."""
    app.before_request(_begin)
    app.after_request(_end)


@cache
def _meters(method: str, route: str, code: int) -> tuple[Counter, Histogram]:
    """The meters of requests that are alike."""
    return metrics.REQUESTS.labels(method, route, code), metrics.REQUEST_SECONDS.labels(method, route)


def _begin() -> None:
    g.began = time.perf_counter()


def _end(answer: Response) -> Response:
    seconds, asked = time.perf_counter() - g.began, request_ctx.request
    # The rule and not the path, and no method that a client made up: labels must not grow without end.
    route = asked.url_rule.rule if asked.url_rule else "unknown"
    method = asked.method if asked.method in METHODS else "other"
    count, times = _meters(method, route, answer.status_code)
    count.inc()
    times.observe(seconds)
    if asked.method not in SAFE_METHODS or answer.status_code >= 500 or answer.status_code in PROBING_STATUSES:
        told = {"method": asked.method, "path": asked.path, "code": answer.status_code, "user_id": g.get("user_id")}
        log.info("request", **told, ms=round(seconds * 1000, 1))
    return answer
