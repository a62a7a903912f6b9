"""Without gevent all is plain: with it, tests/test_web_server.py has the real server."""

import subprocess
import sys
import threading

from app.concurrency.compute_pool import HASHING_POOL, PARSING_POOL
from app.concurrency.greenlets import runs_on_gevent, time_limit
from app.config.settings import PROJECT


def test_the_tests_run_on_plain_threads_where_computing_stays_where_it_is():
    assert not runs_on_gevent()
    assert HASHING_POOL.run(threading.get_ident) == threading.get_ident()
    with time_limit(0):
        threading.Event().wait(0)


def test_with_gevent_others_go_on_while_something_computes_and_an_error_is_the_callers_alone():
    program = """
from gevent import monkey; monkey.patch_all()
import gevent
from app.concurrency.greenlets import HASHING, deadline
native, released = monkey.get_original("threading", "get_ident"), monkey.get_original("threading", "Event")()
main = native()

def compute():
    return native() != main and released.wait(60)  # until a greenlet of the main thread has had its turn

gevent.spawn(released.set)
print(HASHING.run(compute))
try:
    HASHING.run(int, "a secret")
except ValueError:
    print("an error")
try:
    with deadline(0.01):
        gevent.sleep(60)
except TimeoutError:
    print("too late")
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True)
    assert done.stdout.split("\n") == ["True", "an error", "too late", ""]
    assert done.stderr == ""


def test_what_boards_answer_is_read_on_the_pool_for_that(app):
    assert app.extensions["sources"].compute == PARSING_POOL.run
