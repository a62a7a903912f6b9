"""The page of all runs: newest first, in pages, filtered by status, with a link to each run."""

import re

import pytest
from playwright.sync_api import expect


@pytest.fixture
def history(product):
    """The active run, after 45 ended runs of which every third is in error."""
    product.sql(
        "INSERT INTO ingestion_runs (user_id, status, finished_at)"
        " SELECT user_id, CASE WHEN mod(n, 3) = 0 THEN 'error' ELSE 'aborted' END, now()"
        " FROM users, generate_series(1, 45) n"
    )
    return product.start_run()


def ids(page) -> list[int]:
    return [int(text.removeprefix("Run ")) for text in page.locator(".rp-id").all_inner_texts()]


def test_runs_page_lists_the_newest_first_in_pages(page, history):
    page.goto("/ingest/runs/1")
    page.get_by_role("link", name="Runs", exact=True).click()
    expect(page.get_by_role("heading", level=1, name="Runs")).to_be_focused()
    expect(page.locator(".rp-id")).to_have_count(20)
    assert ids(page) == list(range(46, 26, -1))
    page.get_by_role("link", name="Older").click()
    expect(page.locator(".rp-id").first).to_have_text("Run 26")
    page.get_by_role("link", name="Older").click()
    expect(page.locator(".rp-id").first).to_have_text("Run 6")
    assert ids(page) == [6, 5, 4, 3, 2, 1]
    expect(page.get_by_role("link", name="Older")).to_have_count(0)
    page.go_back()
    expect(page.locator(".rp-id").first).to_have_text("Run 26")
    page.get_by_role("link", name="Newest").click()
    expect(page.locator(".rp-id").first).to_have_text("Run 46")


def test_status_filter_survives_a_refresh(page, history):
    page.goto("/runs")
    page.get_by_role("combobox", name="Status").select_option("Error")
    expect(page.locator(".rp-id").first).to_have_text("Run 45")
    assert ids(page) == list(range(45, 0, -3))
    expect(page).to_have_url(re.compile(r"/runs\?status=error$"))
    page.reload()
    expect(page.locator(".rp-id")).to_have_count(15)
    expect(page.get_by_role("combobox", name="Status")).to_have_value("error")


def test_row_leads_to_its_run_and_shows_its_end(page, history, product):
    page.goto("/runs")
    row = page.get_by_role("listitem").filter(has_text=f"Run {history}")
    expect(row).to_contain_text("in progress")
    assert product.request_json("POST", f"/api/ingestion/abort/{history}")[0] == 200
    expect(row).to_contain_text("Aborted")
    row.get_by_role("link").click()
    expect(page).to_have_url(re.compile(f"/ingest/runs/{history}$"))


def test_runs_page_says_that_there_are_no_runs(page):
    page.goto("/runs")
    expect(page.get_by_text("There are no runs yet.")).to_be_visible()
    page.goto("/runs?status=finished")
    expect(page.get_by_text("No runs have this status.")).to_be_visible()


@pytest.mark.parametrize("query", ["status=nonsense", "before=x", "before=0"])
def test_runs_page_reports_an_invalid_address(page, query):
    page.goto(f"/runs?{query}")
    expect(page.get_by_text("This page of runs does not exist.")).to_be_visible()
