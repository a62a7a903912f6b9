"""Metrics for Prometheus. The processes share them in files, in the folder PROMETHEUS_MULTIPROC_DIR."""

import os
from collections.abc import Iterator
from datetime import timedelta

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

REQUESTS = Counter("http_requests_total", "HTTP requests answered.", ["method", "route", "code"])
REQUEST_SECONDS = Histogram("http_request_duration_seconds", "Seconds to answer an HTTP request.", ["method", "route"])
TRANSITIONS = Counter("run_transitions_total", "Runs that reached a status.", ["to"])
STARTS = Counter("run_starts_total", "Starts answered with a run: new, or replayed by Idempotency-Key.", ["outcome"])
PUBLISHES = Counter("run_publishes_total", "Run messages sent to the broker, by outcome.", ["outcome"])
READER_PUBLISHES = Counter("reader_publishes_total", "Messages that wake readers of boards, by outcome.", ["outcome"])
PREVIEW_PUBLISHES = Counter("preview_publishes_total", "Preview messages sent to the broker, by outcome.", ["outcome"])
BOARD_READINGS = Counter(
    "board_readings_total", "Readings of boards that ended, by the class of the listing.", ["source", "state"]
)
RUN_COMPANIES = Counter("run_companies_total", "Companies of runs that ended, by their last state.", ["state"])


class Gauges(Collector):
    """Current numbers of runs and boards, from SELECTs instead of counters in the processes."""

    def __init__(self, active: dict[str, int], oldest_unpublished: timedelta, oldest_waiting: timedelta) -> None:
        self.active = active
        self.oldest_unpublished = oldest_unpublished
        self.oldest_waiting = oldest_waiting

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges."""
        active = GaugeMetricFamily("runs_active", "Runs that have not ended.", labels=["status"])
        for status, count in self.active.items():
            active.add_metric([status], count)
        yield active
        yield GaugeMetricFamily(
            "runs_oldest_unpublished_seconds",
            "Age of the oldest pending run whose message was never published.",
            value=self.oldest_unpublished.total_seconds(),
        )
        yield GaugeMetricFamily(
            "boards_oldest_waiting_seconds",
            "Age of the oldest unfinished preview of which a company waits for its board.",
            value=self.oldest_waiting.total_seconds(),
        )


def render(gauges: Gauges | None) -> bytes:
    """Return all metrics of all processes in Prometheus's text format; ``gauges`` is None without PostgreSQL."""
    registry = CollectorRegistry()
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        MultiProcessCollector(registry)
    else:
        registry.register(REGISTRY)
    if gauges is not None:
        registry.register(gauges)
    return generate_latest(registry)
