"""A server that is away under an open page: the page says so, keeps what it last knew, and recovers by itself."""

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import frozen
from tests.e2e.test_stage3 import badge, open_run
from tests.support.product import RECOVERY_SECONDS, ensure_running
from tests.support.waiting import wait_until

LOST = "Connection lost, retrying. This is how it stood at"


def recovered(page, product) -> None:
    ensure_running(product)
    expect(page.get_by_text("Connection lost")).to_have_count(0, timeout=30_000)


@pytest.mark.parametrize("words", ["gunicorn", "postgres"])
def test_a_frozen_server_is_told_and_the_last_state_stays_until_it_is_back(page, product, words):
    open_run(page, product.start_run())
    expect(badge(page)).to_have_text("Pending")
    with frozen(product, words):
        expect(page.get_by_text(LOST)).to_be_visible()
        expect(badge(page)).to_have_text("Pending")
        expect(page).to_have_title("Run 1 · Connection lost · Job Ingestion")
        stood = page.get_by_role("timer").inner_text()
        assert page.get_by_role("timer").inner_text() == stood
    recovered(page, product)
    expect(page).to_have_title("Run 1 · Pending · Job Ingestion")


@pytest.mark.parametrize("words", ["gunicorn", "postgres"])
def test_a_killed_server_is_back_and_nothing_is_lost(page, product, words):
    run_id = product.start_run()
    open_run(page, run_id)
    victims = product.team(words)
    product.main_process(words).kill()
    # Its children end too, and what answers then is what the supervisor started anew.
    wait_until(lambda: not any(process.is_running() for process in victims), RECOVERY_SECONDS, "the end of the old one")
    recovered(page, product)
    page.get_by_role("button", name="Abort").click()
    page.get_by_role("button", name="Abort run").click()
    expect(badge(page)).to_have_text("Aborted")
    assert product.run(run_id)["status"] == "aborted"


def test_the_run_is_found_again_after_the_whole_product_was_restarted(page, product):
    open_run(page, product.start_run())
    assert product.stop() == 0
    expect(page.get_by_text(LOST)).to_be_visible()
    product.start()
    recovered(page, product)
    expect(badge(page)).to_have_text("Pending")
    page.goto("/")
    expect(page.get_by_role("heading", level=1, name="Run 1")).to_be_visible()


def test_a_page_that_is_opened_while_the_server_is_frozen_says_so_and_fills_itself(page, product):
    page.goto("/ingest")
    expect(page.get_by_role("link", name="Next")).to_be_visible()
    with frozen(product, "gunicorn"):
        page.get_by_role("link", name="Runs").click()
        expect(page.get_by_text("Connection lost, retrying.")).to_be_visible()
        page.get_by_role("link", name="Ingest", exact=True).click()
        expect(page.get_by_text("Connection lost, retrying.")).to_be_visible()
        expect(page.get_by_role("link", name="Next")).to_be_visible()
    recovered(page, product)


def test_a_start_whose_answer_was_lost_is_told_and_its_run_is_offered(page, product):
    page.goto("/ingest/preview")
    expect(page.get_by_role("button", name="Start ingestion")).to_be_visible()
    page.context.set_offline(True)
    page.get_by_role("button", name="Start ingestion").click()
    expect(page.get_by_role("alert")).to_contain_text("The start was not confirmed.")
    product.start_run()
    page.context.set_offline(False)
    expect(page.get_by_text("Run 1 is in progress.")).to_be_visible()
