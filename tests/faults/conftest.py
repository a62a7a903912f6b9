"""Data folders and products that leave nothing behind, however a test went."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.data_dir import unlink
from tests.support.product import Product
from tests.support.waiting import wait_until

RECOVERY_SECONDS = 60
DEEP = "/".join(["a folder with a name of forty characters"] * 3)


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    """A short path with a space in it; passable, because below root PostgreSQL runs as somebody else."""
    folder = Path(tempfile.mkdtemp(prefix="ji fault-", dir="/tmp"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def _product(data_dir: Path) -> Iterator[Product]:
    product = Product(data_dir)
    try:
        yield product
    finally:
        product.end()
        unlink(data_dir)


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder, for one test."""
    with _temporary_folder() as folder:
        yield folder


@pytest.fixture
def fresh(folder: Path) -> Iterator[Product]:
    """A product in a folder that nobody used before, not started."""
    with _product(folder) as product:
        yield product


@pytest.fixture(scope="package")
def product() -> Iterator[Product]:
    """The product that all these tests share, in whatever state the test before left it."""
    with _temporary_folder() as folder, _product(folder) as product:
        yield product


@pytest.fixture(scope="module")
def deep_product() -> Iterator[Product]:
    """One more, in a folder whose path is longer than a socket's may be."""
    with _temporary_folder() as folder, _product(folder / DEEP) as product:
        yield product


@pytest.fixture(scope="module")
def idle_product() -> Iterator[Product]:
    """One more, for what is done in its folder while it does not run."""
    with _temporary_folder() as folder, _product(folder) as product:
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
    for process in running.processes():
        process.resume()
    wait_until(lambda: running.health() == "ok", RECOVERY_SECONDS, "recovery")


def ensure_running(product: Product) -> Product:
    """Start the product unless it runs; one that a failed test left unwell is replaced, to fail no other test."""
    if product.launcher is None or product.launcher.poll() is not None or not _gets_well(product):
        product.end()
        product.start()
    assert product.health() == "ok", product.printed()
    return product


def _gets_well(product: Product) -> bool:
    try:
        return wait_until(lambda: product.health() == "ok", RECOVERY_SECONDS)
    except AssertionError:
        return False
