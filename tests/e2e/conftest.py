"""Fixtures for a real browser on the real product: server, database, broker and worker, without mocks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psutil
import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from app.config.settings import PROJECT
from tests.e2e.steps import choose_acme, offer_acme
from tests.support.boards import Boards, environment
from tests.support.chromium import launch_browser
from tests.support.product import Product, ensure_running, temporary_folder, temporary_product

expect.set_options(timeout=60_000)

BOARD_TABLES = "boards, posting_revisions, posting_events, preview_postings, removed_previews, source_switches"
"""A listing of the test before would answer the previews of the next one."""

TRUNCATE = f"TRUNCATE ingestion_runs, companies, previews, {BOARD_TABLES} RESTART IDENTITY CASCADE"

if not (PROJECT / "frontend" / "dist" / "index.html").exists():
    raise pytest.UsageError("The page is not built: run make build before the tests in a browser.")


@pytest.fixture(scope="package")
def shared_product(board_server: Boards) -> Iterator[Product]:
    """The product that all these tests share."""
    settings = environment(board_server.url)
    with temporary_folder() as folder, temporary_product(folder, measured=False, **settings) as product:
        yield product


@pytest.fixture(scope="module")
def shared_working_product(board_server: Boards) -> Iterator[Product]:
    """The product whose runs ingest, shared by the tests of one file."""
    settings = {"INGESTION": "run", **environment(board_server.url)}
    with temporary_folder() as folder, temporary_product(folder, measured=False, **settings) as product:
        yield product


@pytest.fixture
def boards(board_server: Boards) -> Iterator[Boards]:
    """The fake job boards, with Acme's board."""
    offer_acme(board_server)
    yield board_server
    board_server.reset()


def truncate(product: Product) -> None:
    """Delete runs, companies, previews, boards. Retry once after a deadlock with a statement of the previous test."""
    try:
        product.sql(TRUNCATE)
    except psycopg.errors.DeadlockDetected:
        product.sql(TRUNCATE)


@pytest.fixture
def product(shared_product: Product, boards: Boards) -> Iterator[Product]:
    """The shared product, running, without runs and with one chosen company."""
    ensure_running(shared_product)
    truncate(shared_product)
    choose_acme(shared_product)
    yield shared_product
    shared_product.resume()


@pytest.fixture
def working_product(shared_working_product: Product, boards: Boards) -> Iterator[Product]:
    """The shared product whose runs ingest: running, without runs and jobs, and with one chosen company."""
    ensure_running(shared_working_product)
    truncate(shared_working_product)
    choose_acme(shared_working_product)
    yield shared_working_product
    shared_working_product.resume()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    with launch_browser() as browser:
        yield browser


@pytest.fixture
def visitor(browser: Browser, product: Product) -> Iterator[Callable[..., BrowserContext]]:
    """A function that opens a browser context for a visitor of the product."""
    with browsing(browser, product.url) as make:
        yield make


@contextmanager
def browsing(browser: Browser, url: str) -> Iterator[Callable[..., BrowserContext]]:
    """Yield a function that opens a separate browser context for each visitor.

    Script errors and violations of the Content Security Policy fail the test.
    """
    problems: list[str] = []
    contexts: list[BrowserContext] = []

    def make(**options: object) -> BrowserContext:
        context = browser.new_context(base_url=url, locale="en-GB", **options)
        context.on("weberror", lambda error: problems.append(str(error.error)))
        context.on("console", lambda line: problems.append(line.text) if "Security Policy" in line.text else None)
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture
def page(visitor: Callable[..., BrowserContext]) -> Page:
    """A tab of a new visitor."""
    return visitor().new_page()


@contextmanager
def frozen(product: Product, words: str) -> Iterator[None]:
    """Suspend the processes with these words in their command line inside this block."""
    try:
        for process in product.processes_matching(words):
            with suppress(psutil.NoSuchProcess):
                process.suspend()
        yield
    finally:
        product.resume()
