"""Fixtures for data folders and products. They clean up even if a test fails."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.product import RECOVERY_SECONDS, Product, ensure_running, temporary_folder, temporary_product
from tests.support.waiting import wait_until

DEEP = "/".join(["a folder with a name of forty characters"] * 3)


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder for one test."""
    with temporary_folder() as folder:
        yield folder


@pytest.fixture
def fresh(folder: Path) -> Iterator[Product]:
    """A product with an empty data folder, not started."""
    with temporary_product(folder) as product:
        yield product


@pytest.fixture(scope="package")
def product() -> Iterator[Product]:
    """The product that all these tests share, in the state that the last test left."""
    with temporary_folder() as folder, temporary_product(folder) as product:
        yield product


@pytest.fixture(scope="module")
def deep_product() -> Iterator[Product]:
    """A product in a folder whose path is too long for a Unix socket."""
    with temporary_folder() as folder, temporary_product(folder / DEEP) as product:
        yield product


@pytest.fixture(scope="module")
def idle_product() -> Iterator[Product]:
    """A product that does not run, for the tests of commands."""
    with temporary_folder() as folder, temporary_product(folder) as product:
        yield product


@pytest.fixture
def running(product: Product) -> Product:
    """The shared product, running."""
    return ensure_running(product)


@pytest.fixture
def deep(deep_product: Product) -> Product:
    """The product in the deep folder, running."""
    return ensure_running(deep_product)


@pytest.fixture
def healthy(running: Product) -> Iterator[Product]:
    """The shared product, running without an active run. Afterwards no process is frozen, and /readyz is ok."""
    if run_id := running.current_run_id():
        assert running.request_json("POST", f"/api/ingestion/abort/{run_id}")[0] == 200
    yield running
    running.resume()
    wait_until(lambda: running.health() == "ok", RECOVERY_SECONDS, "recovery")
