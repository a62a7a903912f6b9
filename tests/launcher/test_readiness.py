"""The health check of a start trusts only heartbeats of that start."""

import time

from app.launcher.readiness import heartbeat_fault
from app.models import Component
from app.services.health import heartbeats


def test_heartbeat_fault_ignores_heartbeats_from_before_the_start(app):
    for component in Component:
        heartbeats.beat(component, "of a dead process")
    started = time.monotonic()
    assert heartbeat_fault(app, started) == "No heartbeat yet from: worker, previewer, reader, reconciler, redis."

    for component in (Component.WORKER, Component.PREVIEWER, Component.READER, Component.RECONCILER):
        heartbeats.beat(component, "of this start")
    assert heartbeat_fault(app, started) == "No heartbeat yet from: redis."

    heartbeats.beat(Component.REDIS, "of this start")
    assert heartbeat_fault(app, started) is None
