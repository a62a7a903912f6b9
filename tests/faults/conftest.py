"""Data folders and products that leave nothing behind, however a test went."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.product import RECOVERY_SECONDS, Product, ensure_running, temporary_folder, temporary_product
from tests.support.waiting import wait_until

DEEP = "/".join(["a folder with a name of forty characters"] * 3)


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder, for one test."""
    with temporary_folder() as folder:
        yield folder


@pytest.fixture
def fresh(folder: Path) -> Iterator[Product]:
    """A product in a folder that nobody used before, not started."""
    with temporary_product(folder) as product:
        yield product


@pytest.fixture(scope="package")
def product() -> Iterator[Product]:
    """The product that all these tests share, in whatever state the test before left it."""
    with temporary_folder() as folder, temporary_product(folder) as product:
        yield product


@pytest.fixture(scope="module")
def deep_product() -> Iterator[Product]:
    """One more, in a folder whose path is longer than a socket's may be."""
    with temporary_folder() as folder, temporary_product(folder / DEEP) as product:
        yield product


@pytest.fixture(scope="module")
def idle_product() -> Iterator[Product]:
    """One more, for what is done in its folder while it does not run."""
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
def well(running: Product) -> Iterator[Product]:
    """The same without an active run; afterwards nothing is left frozen and all is well again."""
    if run_id := running.current_run():
        assert running.call("POST", f"/api/ingestion/abort/{run_id}")[0] == 200
    yield running
    running.resume()
    wait_until(lambda: running.health() == "ok", RECOVERY_SECONDS, "recovery")
