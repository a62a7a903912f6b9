"""A second web server on the product's data, which reaches PostgreSQL through the proxy."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from app.config.settings import PROJECT
from app.embedded import postgres as embedded_postgres
from app.embedded import redis as embedded_redis
from app.embedded.data_dir import postgres_home, short_path
from tests.drills.postgres_proxy import PostgresProxy
from tests.drills.users import send_request
from tests.support.product import Product, free_port, temporary_folder
from tests.support.waiting import wait_until


@contextmanager
def second_web(product: Product) -> Iterator[tuple[PostgresProxy, int]]:
    """Run gunicorn inside this block, as on a second machine; yield the proxy and the port."""
    socket_path = postgres_home(short_path(product.data_dir)) / ".s.PGSQL.5432"
    with PostgresProxy(socket_path).listening() as proxy, temporary_folder() as folder:
        port = free_port()
        process = _gunicorn(product, folder, proxy, port)
        try:
            wait_until(lambda: _answers(port), 60, "the second web server")
            yield proxy, port
        finally:
            process.terminate()
            process.wait(30)


def _gunicorn(product: Product, folder: Path, proxy: PostgresProxy, port: int) -> "subprocess.Popen[bytes]":
    address = urlsplit(embedded_postgres.database_url(product.data_dir))
    environment = {
        **os.environ,
        **product.environment,
        "DATA_DIR": str(folder),
        "DATABASE_URL": f"postgresql://{address.username}:{address.password}@127.0.0.1:{proxy.port}{address.path}",
        "REDIS_URL": embedded_redis.redis_url(product.data_dir),
        "PORT": str(port),
    }
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "wsgi:app"], cwd=PROJECT, env=environment, stdout=log, stderr=log
        )


def _answers(port: int) -> bool:
    return bool(send_request(port, "GET", "/readyz", 5, {}, None)[0] == 200)
