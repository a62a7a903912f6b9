"""How large the page is on the wire, and how soon a person can use it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser

from app.config import PROJECT
from tests.support.chromium import launched
from tests.support.product import temporary_folder, temporary_product
from tests.support.reports import table

VISITS = 15
ASSETS = PROJECT / "frontend" / "dist" / "assets"

FIRST_USE = """
() => new Promise(resolve => {
  const look = () => {
    const next = [...document.querySelectorAll('main a')].find(link => link.textContent === 'Next');
    next ? requestAnimationFrame(() => resolve(performance.now())) : setTimeout(look, 1);
  };
  look();
})
"""
"""Milliseconds from the beginning of the navigation until the first stage can be left."""


@dataclass(frozen=True)
class Page:
    """A row for each script and stylesheet, and the milliseconds of each visit."""

    sizes: list[tuple[str, ...]]
    visits: list[float]


def measure() -> Page:
    """Weigh the built page and visit it."""
    print(f"the page: {VISITS} visits", flush=True)
    with temporary_folder() as folder, temporary_product(folder, measured=False) as product, launched() as browser:
        product.start()
        times = sorted(first_use(browser, product.url) for _ in range(VISITS))
    return Page(list(sizes()), times)


def render(found: Page) -> Iterator[str]:
    """The sections of the report."""
    yield "\n## The page on the wire\n"
    yield table(("file", "raw kB", "gzip kB", "brotli kB"), found.sizes)
    yield f"\n## Until the page can be used ({VISITS} visits, each with an empty cache)\n"
    times = [f"{each:.0f}" for each in (found.visits[0], median(found.visits), found.visits[-1])]
    yield table(("", "min ms", "median ms", "max ms"), [("first view interactive", *times)])


def sizes() -> Iterator[tuple[str, ...]]:
    """A row for each script and stylesheet."""
    for path in sorted(path for path in ASSETS.iterdir() if path.suffix in (".js", ".css")):
        kilobytes = [Path(f"{path}{ending}").stat().st_size / 1000 for ending in ("", ".gz", ".br")]
        name = f"{path.name.partition('-')[0]}{path.suffix}"
        yield name, *(f"{size:.1f}" for size in kilobytes)


def first_use(browser: Browser, url: str) -> float:
    """Milliseconds for one visitor who was never here."""
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(f"{url}/ingest", wait_until="commit")
        return float(page.evaluate(FIRST_USE))
    finally:
        context.close()
