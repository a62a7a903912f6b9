"""Heartbeats: their ages and their removal, by the product's clock."""

from datetime import timedelta

from app.models import Component
from app.services.health import heartbeats
from tests.support.factories import sql


def test_heartbeat_ages_follow_the_clock(app, shift_clock):
    heartbeats.beat(Component.WORKER, "one")
    shift_clock(600)
    assert heartbeats.heartbeat_ages()[Component.WORKER] >= timedelta(seconds=600)
    heartbeats.beat(Component.WORKER, "one")
    assert heartbeats.heartbeat_ages()[Component.WORKER] < timedelta(seconds=600)


def test_beat_removes_heartbeats_that_are_old_by_the_clock(app, shift_clock):
    heartbeats.beat(Component.WORKER, "one")
    shift_clock(heartbeats.RETENTION_SECONDS)
    heartbeats.beat(Component.WORKER, "two")
    assert sql("SELECT instance, at > clock_timestamp() + interval '59 min' FROM heartbeats") == [("two", True)]
