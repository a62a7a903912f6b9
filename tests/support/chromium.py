"""A Chromium for the browser tests; ``python -m tests.support.chromium`` installs one if there is none."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

INSTALLED = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
DEBIAN_PACKAGES = ("chromium", "fonts-dejavu-core")


def find_browser() -> str | None:
    """Return the path of an installed Chromium or Chrome, Playwright's included, or None."""
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    found = (path for name in (*INSTALLED, own) if (path := shutil.which(name)))
    return next(found, None)


def find_or_install() -> str | None:
    """Return the path of a browser, or None. Install a missing one: Debian's package as root, else Playwright's own."""
    if not (found := find_browser()):
        print("Installing Chromium for the browser tests ...", flush=True)
        for command in _install_commands():
            subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
        found = find_browser()
    return found


@contextmanager
def launch_browser() -> Iterator[Browser]:
    """Run a browser. Raises FileNotFoundError if none is installed, so that no test is skipped silently."""
    if not (path := find_browser()):
        raise FileNotFoundError("no Chromium or Chrome: run python -m tests.support.chromium, or install one")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        try:
            yield browser
        finally:
            browser.close()


def axe_violations(page: Page) -> list[str]:
    """Return the violations that axe finds on the page in its present state, colour contrast included."""
    axe = Path(__file__).parents[2] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
    # The page's Content-Security-Policy blocks foreign scripts; the debugger bypasses it.
    page.evaluate(axe.read_text())
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = page.evaluate("tags => axe.run(document, {runOnly: tags})", tags)["violations"]
    return [f"{each['id']}: {' '.join(node['html'] for node in each['nodes'])}" for each in found]


def _install_commands() -> list[list[str]]:
    if os.geteuid() == 0 and shutil.which("apt-get"):
        return [["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", *DEBIAN_PACKAGES]]
    return [[sys.executable, "-m", "playwright", "install", "chromium"]]


if __name__ == "__main__":
    if not find_or_install():
        sys.exit("The browser tests need Chromium or Chrome, and none could be installed. Install one and try again.")
