"""An open page while the server is unavailable: it reports this, keeps the last state, and recovers by itself."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import frozen
from tests.e2e.steps import go_offline, press_start
from tests.e2e.test_run_page import badge, open_run
from tests.support.product import RECOVERY_SECONDS, ensure_running
from tests.support.waiting import wait_until

LOST = re.compile(r"(Connection lost|The server is temporarily unavailable)\. Trying again … Last updated at")


def wait_for_polls(page, times: int) -> None:
    """Wait for this many further requests of the page. Each request follows the end of the previous one."""
    for _ in range(times):
        with page.expect_event("request"):
            pass


def expect_recovery(page, product) -> None:
    ensure_running(product)
    expect(page.get_by_text("Trying again …")).to_have_count(0)


@pytest.mark.parametrize("words", ["gunicorn", "postgres"])
def test_run_page_keeps_the_last_state_while_the_server_is_frozen(page, product, words):
    open_run(page, product.start_run())
    expect(badge(page)).to_have_text("Pending")
    with frozen(product, words):
        expect(page.get_by_text(LOST)).to_be_visible()
        expect(badge(page)).to_have_text("Pending")
        expect(page).to_have_title(re.compile(r"^Run 1 · (Connection lost|Server unavailable) · Job Ingestion$"))
        before = page.get_by_role("timer").inner_text()
        wait_for_polls(page, 3)
        assert page.get_by_role("timer").inner_text() == before
    expect_recovery(page, product)
    expect(page).to_have_title("Run 1 · Pending · Job Ingestion")


@pytest.mark.parametrize("words", ["gunicorn", "postgres"])
def test_run_page_recovers_from_a_killed_server(page, product, words):
    run_id = product.start_run()
    open_run(page, run_id)
    victims = product.processes_matching(words)
    product.main_process(words).kill()
    # Wait for its children to end too: after that, only restarted processes answer.
    wait_until(lambda: not any(process.is_running() for process in victims), RECOVERY_SECONDS, "the old processes' end")
    expect_recovery(page, product)
    page.get_by_role("button", name="Abort").click()
    page.get_by_role("button", name="Abort run").click()
    expect(badge(page)).to_have_text("Aborted")
    assert product.run(run_id)["status"] == "aborted"


def test_run_page_recovers_from_a_restart_of_the_product(page, product):
    open_run(page, product.start_run())
    assert product.stop() == 0
    expect(page.get_by_text(LOST)).to_be_visible()
    product.start()
    expect_recovery(page, product)
    expect(badge(page)).to_have_text("Pending")
    page.goto("/")
    expect(page.get_by_role("heading", level=1, name="Run 1")).to_be_visible()


def test_runs_page_reports_a_frozen_server_and_loads_afterwards(page, product):
    product.start_run()
    page.goto("/runs")
    expect(page.get_by_text("Run 1")).to_be_visible()
    with frozen(product, "gunicorn"):
        page.get_by_role("combobox", name="Status").select_option("Pending")
        banner = page.get_by_text("Connection lost. Trying again …")
        expect(banner).to_be_visible()
        element = banner.element_handle()
        wait_for_polls(page, 2)
        assert element.is_visible(), "the message stays, it does not flicker"
        expect(page.locator(".rp-id")).to_have_count(0)
    expect_recovery(page, product)
    expect(page.get_by_text("Run 1")).to_be_visible()


def test_start_without_a_confirmation_is_reported_until_a_run_exists(page, product):
    page.goto("/ingest/preview")
    expect(page.get_by_role("button", name="Start ingestion")).to_be_enabled()
    go_offline(page)
    press_start(page)
    expect(page.get_by_role("alert")).to_contain_text("We do not know whether the run was started.")
    product.start_run()
    page.context.set_offline(False)
    expect(page.get_by_text("Run 1 is in progress.")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_ended_run_opened_offline_loads_after_reconnecting(page, product):
    run_id = product.start_run()
    product.request_json("POST", f"/api/ingestion/abort/{run_id}")
    page.goto("/runs")
    expect(page.get_by_text("Run 1")).to_be_visible()
    go_offline(page)
    page.get_by_role("link", name="Run 1").click()
    expect(page.get_by_text("Connection lost. Trying again …")).to_be_visible()
    page.context.set_offline(False)
    expect(badge(page)).to_have_text("Aborted")
    expect(page.get_by_text("Connection lost")).to_have_count(0)


def test_start_with_a_lost_answer_is_retried_and_leads_to_its_run(page, product):
    """The server creates the run, but its answer is lost. The page repeats the start with the same key."""
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
    expect(page.get_by_text("no second run was started")).to_have_count(0)
    (*first, key), (*second, same_key) = answers
    assert (first, second, same_key) == ([201, 1], [200, 1], key)
    assert product.sql("SELECT count(*) FROM ingestion_runs") == [(1,)]
