"""A server that is away under an open page: the page says so, keeps what it last knew, and recovers by itself."""

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import frozen
from tests.e2e.steps import press_start
from tests.e2e.test_run_page import badge, open_run
from tests.support.product import RECOVERY_SECONDS, ensure_running
from tests.support.waiting import wait_until

LOST = "Connection lost, retrying. This is how it stood at"


def wait_for_polls(page, times: int) -> None:
    """Wait until the page has asked so often, which it does not before the time it asked before is over."""
    for _ in range(times):
        with page.expect_event("request"):
            pass


def expect_recovery(page, product) -> None:
    ensure_running(product)
    expect(page.get_by_text("Connection lost")).to_have_count(0)


@pytest.mark.parametrize("words", ["gunicorn", "postgres"])
def test_a_frozen_server_is_told_and_the_last_state_stays_until_it_is_back(page, product, words):
    open_run(page, product.start_run())
    expect(badge(page)).to_have_text("Pending")
    with frozen(product, words):
        expect(page.get_by_text(LOST)).to_be_visible()
        expect(badge(page)).to_have_text("Pending")
        expect(page).to_have_title("Run 1 · Connection lost · Job Ingestion")
        stood = page.get_by_role("timer").inner_text()
        wait_for_polls(page, 3)
        assert page.get_by_role("timer").inner_text() == stood
    expect_recovery(page, product)
    expect(page).to_have_title("Run 1 · Pending · Job Ingestion")


@pytest.mark.parametrize("words", ["gunicorn", "postgres"])
def test_a_killed_server_is_back_and_nothing_is_lost(page, product, words):
    run_id = product.start_run()
    open_run(page, run_id)
    victims = product.team(words)
    product.main_process(words).kill()
    # Its children end too, and what answers then is what the launcher started anew.
    wait_until(lambda: not any(process.is_running() for process in victims), RECOVERY_SECONDS, "the end of the old one")
    expect_recovery(page, product)
    page.get_by_role("button", name="Abort").click()
    page.get_by_role("button", name="Abort run").click()
    expect(badge(page)).to_have_text("Aborted")
    assert product.run(run_id)["status"] == "aborted"


def test_the_run_is_found_again_after_the_whole_product_was_restarted(page, product):
    open_run(page, product.start_run())
    assert product.stop() == 0
    expect(page.get_by_text(LOST)).to_be_visible()
    product.start()
    expect_recovery(page, product)
    expect(badge(page)).to_have_text("Pending")
    page.goto("/")
    expect(page.get_by_role("heading", level=1, name="Run 1")).to_be_visible()


def test_a_list_that_is_asked_for_while_the_server_is_frozen_says_so_and_fills_itself(page, product):
    product.start_run()
    page.goto("/runs")
    expect(page.get_by_text("Run 1")).to_be_visible()
    with frozen(product, "gunicorn"):
        page.get_by_role("combobox", name="Status").select_option("Pending")
        told = page.get_by_text("Connection lost, retrying.")
        expect(told).to_be_visible()
        same = told.element_handle()
        wait_for_polls(page, 2)
        assert same.is_visible(), "it is told all the time, not in turns"
        expect(page.locator(".rp-id")).to_have_count(0)
    expect_recovery(page, product)
    expect(page.get_by_text("Run 1")).to_be_visible()


def test_a_start_that_was_not_confirmed_is_told_until_a_run_is_there(page, product):
    page.goto("/ingest/preview")
    expect(page.get_by_role("button", name="Start ingestion")).to_be_enabled()
    page.context.set_offline(True)
    press_start(page)
    expect(page.get_by_role("alert")).to_contain_text("The start was not confirmed.")
    product.start_run()
    page.context.set_offline(False)
    expect(page.get_by_text("Run 1 is in progress.")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_an_ended_run_that_is_opened_without_a_connection_comes_when_there_is_one(page, product):
    run_id = product.start_run()
    product.call("POST", f"/api/ingestion/abort/{run_id}")
    page.goto("/runs")
    expect(page.get_by_text("Run 1")).to_be_visible()
    page.context.set_offline(True)
    page.get_by_role("link", name="Run 1").click()
    expect(page.get_by_text("Connection lost, retrying.")).to_be_visible()
    page.context.set_offline(False)
    expect(badge(page)).to_have_text("Aborted")
    expect(page.get_by_text("Connection lost")).to_have_count(0)


def test_a_start_whose_answer_is_lost_leads_to_the_run_that_it_made(page, product):
    """The server makes the run and answers; the answer never comes. Asked again, it is the same start."""
    answers = []

    def lose_the_first(route):
        answer = route.fetch()
        answers.append((answer.status, answer.json()["run_id"], route.request.headers["idempotency-key"]))
        if len(answers) == 1:
            route.abort()
        else:
            route.fulfill(response=answer)

    page.route("**/api/ingestion/start", lose_the_first)
    page.goto("/ingest/preview")
    press_start(page)
    expect(page.get_by_role("heading", level=1, name="Run 1")).to_be_visible()
    expect(page.get_by_text("no second one was started")).to_have_count(0)
    (*first, key), (*second, same_key) = answers
    assert (first, second, same_key) == ([201, 1], [200, 1], key)
    assert product.sql("SELECT count(*) FROM ingestion_runs") == [(1,)]
