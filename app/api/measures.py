"""Counts and times every request, and logs those that change something or fail."""

import time

import structlog
from flask import Flask, Response, g, request

from app import metrics

log = structlog.get_logger(__name__)

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")


def init_app(app: Flask) -> None:
    """Measure every request, those refused by the guards included."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    g.began = time.perf_counter()


def _end(answer: Response) -> Response:
    seconds = time.perf_counter() - g.began
    # The rule and not the path, and no method that a client made up: labels must not grow without end.
    route = request.url_rule.rule if request.url_rule else "unknown"
    method = request.method if request.method in METHODS else "other"
    metrics.REQUESTS.labels(method=method, route=route, code=answer.status_code).inc()
    metrics.REQUEST_SECONDS.labels(method=method, route=route).observe(seconds)
    if request.method == "POST" or answer.status_code >= 500:
        ms = round(seconds * 1000, 1)
        log.info("request", method=request.method, path=request.path, code=answer.status_code, ms=ms)
    return answer
