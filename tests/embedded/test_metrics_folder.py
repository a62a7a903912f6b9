"""The metrics folder of a web server that runs without the launcher."""

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


def get(port: int, path: str) -> str:
    with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return answer.read().decode()
    return ""


def test_metrics_folder_of_a_lone_web_server_is_removed_at_its_stop(tmp_path: Path) -> None:
    product_folder, port = make_metrics_folder(tmp_path), free_port()
    (product_folder / "counter_1.db").touch()
    environment = {**os.environ, "DATA_DIR": str(tmp_path), "PORT": str(port), "AUTH": "local", "WEB_WORKERS": "2"}
    command = [sys.executable, "-m", "gunicorn", "wsgi:app"]
    with subprocess.Popen(command, cwd=PROJECT, env=environment, stderr=subprocess.DEVNULL) as server:
        folder = product_folder.with_name(f"{product_folder.name}-{server.pid}")
        try:
            wait_until(lambda: get(port, "/healthz"), what="the web server")
            wait_until(lambda: 'route="/healthz"' in get(port, "/metrics"), what="a count of the request")
            assert list(folder.glob("counter_*.db"))
        finally:
            server.terminate()
        assert server.wait(WAIT_TIMEOUT) == 0
    assert not folder.exists()
    assert (product_folder / "counter_1.db").exists(), "the folder of a product with the same data folder stays"
    shutil.rmtree(product_folder)
