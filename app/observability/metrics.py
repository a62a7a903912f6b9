"""Metrics for Prometheus. Those of several processes live in files that all share (PROMETHEUS_MULTIPROC_DIR)."""

import os
from collections.abc import Iterator

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

REQUESTS = Counter("http_requests_total", "Requests answered.", ["method", "route", "code"])
REQUEST_SECONDS = Histogram("http_request_duration_seconds", "Time to answer.", ["method", "route"])
TRANSITIONS = Counter("run_transitions_total", "Runs that reached a status.", ["to"])
STARTS = Counter("run_starts_total", "Starts answered with a run: a new one, or that of their key.", ["outcome"])
PUBLISHES = Counter("run_publishes_total", "Messages handed, or not handed, to the broker.", ["outcome"])
PREVIEW_PUBLISHES = Counter("preview_publishes_total", "The same for the messages of previews.", ["outcome"])


class RunGauges(Collector):
    """Figures of this moment, which are one SELECT and not anybody's counter."""

    def __init__(self, active: dict[str, int], oldest_unpublished_seconds: float) -> None:
        self.active = active
        self.oldest = oldest_unpublished_seconds

    def collect(self) -> Iterator[Metric]:
        """Yield the two gauges."""
        active = GaugeMetricFamily("runs_active", "Runs that have not ended.", labels=["status"])
        for status, count in self.active.items():
            active.add_metric([status], count)
        yield active
        yield GaugeMetricFamily(
            "runs_oldest_unpublished_seconds",
            "Age of the oldest pending run whose message was never published.",
            value=self.oldest,
        )


def render(gauges: RunGauges | None) -> bytes:
    """Every metric of every process in Prometheus's text format; without ``gauges`` when PostgreSQL is away."""
    registry = CollectorRegistry()
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        MultiProcessCollector(registry)
    else:
        registry.register(REGISTRY)
    if gauges is not None:
        registry.register(gauges)
    return generate_latest(registry)
