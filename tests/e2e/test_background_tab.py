"""Tabs that are hidden, offline or shown again: they show the current status, or none."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import frozen
from tests.e2e.test_run_page import badge, move, open_run

UNKNOWN = re.compile(r"/assets/favicon-unknown-[\w-]+\.svg$")
IS_CACHED = "url => fetch(url, {cache: 'only-if-cached', mode: 'same-origin'}).then(answer => answer.ok)"
"""A script that checks if the browser has a file in its cache."""


def icon(page):
    return page.locator("link[rel=icon]")


@pytest.fixture
def run_id(page, product):
    """An active run that the page shows."""
    run_id = product.start_run()
    open_run(page, run_id)
    expect(page).to_have_title(f"Run {run_id} · Pending · Job Ingestion")
    return run_id


def test_icon_shows_no_status_without_a_connection(page, product, run_id):
    expect(icon(page)).to_have_attribute("href", "/favicon-active.svg")
    with frozen(product, "gunicorn"):
        expect(icon(page)).to_have_attribute("href", UNKNOWN)
        assert page.evaluate(IS_CACHED, icon(page).get_attribute("href"))
    expect(icon(page)).to_have_attribute("href", "/favicon-active.svg")


def test_title_shows_the_status_in_a_tab_with_throttled_timers(page, product):
    """A tab that is hidden for a long time fires its intervals once a minute. In this test they never fire."""
    page.add_init_script("window.setInterval = () => 0")
    run_id = product.start_run()
    open_run(page, run_id)
    expect(page).to_have_title(f"Run {run_id} · Pending · Job Ingestion")
    move(product, run_id, "initializing")
    expect(page).to_have_title(f"Run {run_id} · Initializing · Job Ingestion")
    move(product, run_id, "error")
    expect(page).to_have_title(f"Run {run_id} · Error · Job Ingestion")
    expect(icon(page)).to_have_attribute("href", "/favicon-danger.svg")


def test_runs_page_shows_no_stale_status(page, product, run_id):
    page.get_by_role("link", name="Runs").click()
    expect(page.locator(".rp-row")).to_contain_text("Pending")
    page.locator(".rp-row").click()
    expect(badge(page)).to_have_text("Pending")
    move(product, run_id, "error")
    with frozen(product, "gunicorn"):
        page.get_by_role("link", name="Runs").click()
        expect(page.get_by_text("Connection lost. Trying again …")).to_be_visible()
        expect(page.locator(".rp-row")).to_have_count(0)
    expect(page.locator(".rp-row")).to_contain_text("Error")
