"""Without gevent all is plain: with it, tests/test_web_server.py has the real server."""

import threading

from app.runtime.cooperative import HASHING, deadline, is_cooperative


def test_the_tests_run_on_plain_threads_where_computing_stays_where_it_is():
    assert not is_cooperative()
    assert HASHING.run(threading.get_ident) == threading.get_ident()
    with deadline(0):
        threading.Event().wait(0)
