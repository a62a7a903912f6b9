"""The detection of gevent, and time limits with and without it."""

import subprocess
import sys
import threading

from app.concurrency.greenlets import runs_on_gevent, time_limit
from app.config.settings import PROJECT


def test_runs_on_gevent_is_false_in_a_process_that_is_not_patched():
    assert not runs_on_gevent()


def test_time_limit_without_gevent_sets_no_timer():
    with time_limit(0):
        threading.Event().wait(0.01)


def test_time_limit_with_gevent_raises_timeout_error():
    program = """
from gevent import monkey; monkey.patch_all()
import gevent
from app.concurrency.greenlets import runs_on_gevent, time_limit
print(runs_on_gevent())
try:
    with time_limit(0.01):
        gevent.sleep(60)
except TimeoutError:
    print("too late")
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True)
    assert done.stdout.split("\n") == ["True", "too late", ""]
    assert done.stderr == ""
