"""Steps and checks of the tests whose runs ingest."""

from playwright.sync_api import Locator, Page, expect

from tests.support.chromium import axe_violations
from tests.support.clock import shift_clock
from tests.support.product import Product
from tests.support.waiting import wait_until

SECOND_WITNESS_SECONDS = 4000
"""Seconds after which a board is read again, and that reading is the second witness of what it misses."""

FOCUSABLE = "a[href], button, input:not([type=hidden]), select, textarea, summary"

WATCH_FOCUS = (
    "document.activeElement.blur(); window.reached = new Set();"
    " document.addEventListener('focusin', ({target}) => window.reached.add(target))"
)

UNREACHED = (
    "selector => [...(document.querySelector('dialog:modal') ?? document).querySelectorAll(selector)]"
    ".filter((node) => node.checkVisibility({visibilityProperty: true}) && !window.reached.has(node))"
    ".map((node) => node.outerHTML)"
)


def check(page: Page, what: str) -> None:
    """Assert that the page passes axe, fits into its width, and that Tab reaches each of its controls."""
    assert axe_violations(page) == [], what
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, f"{what} is too wide"
    page.evaluate(WATCH_FOCUS)
    for _ in range(page.locator(FOCUSABLE).count() + 3):
        page.keyboard.press("Tab")
    assert page.evaluate(UNREACHED, FOCUSABLE) == [], f"{what}: Tab does not reach these"


def badge(page: Page) -> Locator:
    """Return the badge of the run's status."""
    return page.locator(".s3-status [role=status]")


def headline(page: Page) -> Locator:
    """Return the sentence about the run."""
    return page.locator(".nw-title")


def company(page: Page, name: str) -> Locator:
    """Return the row of a company of the run."""
    return page.locator(".rc-row").filter(has_text=name)


def counts(page: Page) -> dict[str, str]:
    """Return the run's counts by name."""
    names = page.locator(".nw-counts dt").all_inner_texts()
    return dict(zip(names, page.locator(".nw-count").all_inner_texts(), strict=True))


def choose(product: Product, *boards: str) -> None:
    """Choose these boards at Greenhouse, each under its name with a capital."""
    for board in boards:
        product.sql(
            "INSERT INTO companies (user_id, source, board, name) SELECT user_id, 'greenhouse', %s, %s FROM users",
            board, board.title(),
        )


def run_to_its_end(product: Product) -> int:
    """Start a run with curl's request, and return its id once it has ended."""
    run_id = product.start_run()
    wait_until(lambda: product.current_run_id() is None, what="the end of the run")
    return run_id


def wait_for_second_witness(product: Product) -> None:
    """Shift the product's clock ahead, so that the next run reads its boards again and may close postings."""
    [(ahead,)] = product.sql("SELECT extract(epoch FROM clock_now() - clock_timestamp())::float")
    shift_clock(ahead + SECOND_WITNESS_SECONDS, product.sql)


def open_run(page: Page, run_id: int, status: str = "Finished") -> None:
    """Open the page of a run and expect this status."""
    page.goto(f"/ingest/runs/{run_id}")
    expect(badge(page)).to_have_text(status)
