"""A process patched by gevent, like the web server's, notices PostgreSQL's faults like any other process."""

import subprocess
import sys

from app.config.settings import PROJECT


def test_engine_notices_timeouts_and_dead_connections_under_gevent(app, settings):
    command = [sys.executable, "-m", "gevent.monkey", "--module", "tests.db.green_process", settings.database_url]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120)
    assert (done.stdout.splitlines(), done.stderr) == (
        ["no response within 0.5 s", "other greenlets ran: True", "no statement used a dead connection"],
        "",
    )
