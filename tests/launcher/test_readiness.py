"""A product is called well by signs of life of its own time alone."""

import time

from app.launcher.readiness import heartbeat_fault
from app.models import Component
from app.services.health import heartbeats


def test_a_sign_of_life_counts_only_if_it_is_newer_than_the_start(app):
    for component in Component:
        heartbeats.beat(component, "of a dead process")
    began = time.monotonic()
    assert heartbeat_fault(app, began) == "No heartbeat yet from: worker, reconciler, redis."

    for component in (Component.WORKER, Component.RECONCILER):
        heartbeats.beat(component, "of this start")
    assert heartbeat_fault(app, began) == "No heartbeat yet from: redis."

    heartbeats.beat(Component.REDIS, "of this start")
    assert heartbeat_fault(app, began) is None
