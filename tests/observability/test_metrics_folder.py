"""A web server without the launcher has a folder for its metrics, and takes it away."""

import os
import shutil
import subprocess
import sys
import urllib.request
from contextlib import suppress
from pathlib import Path

from app.config.settings import PROJECT
from app.embedded.data_dir import make_metrics_folder
from tests.support.product import free_port
from tests.support.waiting import WAIT_TIMEOUT, wait_until


def ask(port: int, path: str) -> str:
    with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return answer.read().decode()
    return ""


def test_a_web_server_alone_counts_in_a_folder_of_its_own_and_takes_it_away_when_it_stops(tmp_path: Path) -> None:
    products, port = make_metrics_folder(tmp_path), free_port()
    (products / "counter_1.db").touch()
    environment = {**os.environ, "DATA_DIR": str(tmp_path), "PORT": str(port), "AUTH": "local", "WEB_WORKERS": "2"}
    command = [sys.executable, "-m", "gunicorn", "wsgi:app"]
    with subprocess.Popen(command, cwd=PROJECT, env=environment, stderr=subprocess.DEVNULL) as server:
        folder = products.with_name(f"{products.name}-{server.pid}")
        try:
            wait_until(lambda: ask(port, "/healthz"), what="the web server")
            wait_until(lambda: 'route="/healthz"' in ask(port, "/metrics"), what="what was counted")
            assert list(folder.glob("counter_*.db"))
        finally:
            server.terminate()
        assert server.wait(WAIT_TIMEOUT) == 0
    assert not folder.exists()
    assert (products / "counter_1.db").exists(), "what a product on the same data folder counts is its own"
    shutil.rmtree(products)
