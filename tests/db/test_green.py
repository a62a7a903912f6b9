"""A process patched by gevent, as a web server's is, notices PostgreSQL's faults as any other does."""

import subprocess
import sys

from app.config.settings import PROJECT


def test_time_limits_and_dead_connections_are_noticed_under_gevent(app, settings):
    command = [sys.executable, "-m", "gevent.monkey", "--module", "tests.db.green_process", settings.database_url]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120)
    assert (done.stdout.splitlines(), done.stderr) == (
        ["no answer within 0.5 s", "others had their turns: True", "no statement met a dead connection"],
        "",
    )
