"""Compute pools, with and without gevent; tests/api/http/test_web_server.py runs the real server."""

import subprocess
import sys
import threading

from app.concurrency.compute_pool import HASHING_POOL, PARSING_POOL
from app.config.settings import PROJECT


def test_compute_pool_without_gevent_runs_in_the_calling_thread():
    assert HASHING_POOL.run(threading.get_ident) == threading.get_ident()


def test_compute_pool_with_gevent_lets_others_run_and_raises_errors():
    program = """
from gevent import monkey; monkey.patch_all()
import gevent
from app.concurrency.compute_pool import HASHING_POOL
native, released = monkey.get_original("threading", "get_ident"), monkey.get_original("threading", "Event")()
main = native()

def compute():
    return native() != main and released.wait(60)  # until a greenlet of the main thread has run

gevent.spawn(released.set)
print(HASHING_POOL.run(compute))
try:
    HASHING_POOL.run(int, "a secret")
except ValueError:
    print("an error")
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True)
    assert done.stdout.split("\n") == ["True", "an error", ""]
    assert done.stderr == ""


def test_compute_pool_with_gevent_drops_the_arguments_of_a_failure():
    program = """
from gevent import monkey; monkey.patch_all()
import gc
import weakref
from app.concurrency.compute_pool import PARSING_POOL

class Response:
    pass

def fail(response):
    raise ValueError

def run():
    response = Response()
    try:
        PARSING_POOL.run(fail, response)
    except ValueError:
        return weakref.ref(response)

gc.disable()
known = run()
PARSING_POOL.run(int)  # until the thread has dropped its task
print(known())
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("None\n", "")


def test_responses_of_boards_are_parsed_on_the_parsing_pool(app):
    assert app.extensions["sources"].compute == PARSING_POOL.run
