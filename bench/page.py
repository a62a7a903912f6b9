"""How large the page is on the wire, and how soon a person can use it: ``make bench``."""

from collections.abc import Iterator
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser

from app.config import PROJECT
from tests.support.chromium import launched
from tests.support.product import temporary_folder, temporary_product

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


def main() -> None:
    """Measure and print."""
    print("## The page on the wire\n")
    print("| file | raw kB | gzip kB | brotli kB |\n|---|---|---|---|")
    for row in sizes():
        print(row)
    print(f"\n## Until the page can be used ({VISITS} visits, each with an empty cache)\n")
    print("| | min ms | median ms | max ms |\n|---|---|---|---|")
    with temporary_folder() as folder, temporary_product(folder) as product, launched() as browser:
        product.start()
        times = sorted(first_use(browser, product.url) for _ in range(VISITS))
    print(f"| first view interactive | {times[0]:.0f} | {median(times):.0f} | {times[-1]:.0f} |")


def sizes() -> Iterator[str]:
    """A row for each script and stylesheet."""
    for path in sorted(path for path in ASSETS.iterdir() if path.suffix in (".js", ".css")):
        kilobytes = [Path(f"{path}{ending}").stat().st_size / 1000 for ending in ("", ".gz", ".br")]
        name = f"{path.name.partition('-')[0]}{path.suffix}"
        shown = " | ".join(f"{size:.1f}" for size in kilobytes)
        yield f"| {name} | {shown} |"


def first_use(browser: Browser, url: str) -> float:
    """Milliseconds for one visitor who was never here."""
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(f"{url}/ingest", wait_until="commit")
        return float(page.evaluate(FIRST_USE))
    finally:
        context.close()


if __name__ == "__main__":
    main()
