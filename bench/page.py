"""The page in a real browser: the size of its script, and the time until its first screen can be used."""

from statistics import median

from playwright.sync_api import Browser

from app.config.settings import PROJECT
from bench.findings import Findings, at_most, plain
from bench.testbed import running_testbed
from tests.support.chromium import launch_browser

VISITS = 5
"""Visits, each with an empty cache."""

MAX_SCRIPT_KB = 110
MAX_USABLE_SECONDS = 1

FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
NOW = "performance.now()"


def page() -> Findings:
    """Measure the script as it is sent with brotli, and visits of the first screen with an empty cache."""
    files = sorted((PROJECT / "frontend" / "dist" / "assets").glob("*.js.br"))
    size = sum(file.stat().st_size for file in files) / 1000
    yield at_most("script of the whole page, with brotli", MAX_SCRIPT_KB, "kB", size, f"{size:.1f} kB")
    with running_testbed() as testbed, launch_browser() as browser:
        visits = [_visit(browser, testbed.product.url) for _ in range(VISITS + 1)][1:]
    painted, usable = (median(times) for times in zip(*visits, strict=True))
    what = "first screen with an empty cache"
    yield at_most(f"{what}: can be used", MAX_USABLE_SECONDS, "s", usable, f"{usable:.2f} s, median of {VISITS}")
    yield plain(f"{what}: first contentful paint", f"{painted:.2f} s")


def _visit(browser: Browser, url: str) -> tuple[float, float]:
    """Visit the page; return the seconds until its first paint, and until a person can sign in."""
    with browser.new_context() as context:
        visited = context.new_page()
        visited.goto(url)
        visited.get_by_role("button", name="Sign in").wait_for()
        usable = visited.evaluate(NOW)
        return visited.evaluate(FIRST_PAINT) / 1000, usable / 1000
