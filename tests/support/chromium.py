"""A Chromium for the tests in a browser: found, or brought (``python -m tests.support.chromium``)."""

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
    """The path of a Chromium or Chrome of this machine, or of Playwright's own, or None."""
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    found = (path for name in (*INSTALLED, own) if (path := shutil.which(name)))
    return next(found, None)


def find_or_install() -> str | None:
    """Find one, or install one: Debian's as root, else Playwright's own; returns its path, or None."""
    if not (found := find_browser()):
        print("Installing Chromium for the tests in a browser ...", flush=True)
        for command in _installing():
            subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
        found = find_browser()
    return found


@contextmanager
def launch_browser() -> Iterator[Browser]:
    """A running browser. Raises FileNotFoundError where there is none, so that nothing is ever skipped unseen."""
    if not (path := find_browser()):
        raise FileNotFoundError("no Chromium or Chrome: run python -m tests.support.chromium, or install one")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        try:
            yield browser
        finally:
            browser.close()


def axe_violations(page: Page) -> list[str]:
    """What axe finds to object to on the page as it is shown now, colours included."""
    axe = Path(__file__).parents[2] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
    # By the debugger, since the page's own policy lets no foreign script in.
    page.evaluate(axe.read_text())
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = page.evaluate("tags => axe.run(document, {runOnly: tags})", tags)["violations"]
    return [f"{each['id']}: {' '.join(node['html'] for node in each['nodes'])}" for each in found]


def _installing() -> list[list[str]]:
    if os.geteuid() == 0 and shutil.which("apt-get"):
        return [["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", *DEBIAN_PACKAGES]]
    return [[sys.executable, "-m", "playwright", "install", "chromium"]]


if __name__ == "__main__":
    if not find_or_install():
        sys.exit("The tests in a browser need Chromium or Chrome, and none could be installed: install one, try again.")
