"""The flow from Configure to the end of a run, and the ways back to that run."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.steps import press_start, start

STAGES = ["Configure", "Preview", "Ingest"]


def heading(page, name):
    return page.get_by_role("heading", level=1, name=name)


def test_root_address_opens_the_first_of_three_stages(page):
    page.goto("/")
    expect(page).to_have_url(re.compile("/ingest$"))
    expect(heading(page, "Configure")).to_be_visible()
    steps = page.get_by_role("navigation", name="Steps").get_by_role("listitem")
    assert [text.strip(" 123✓\n") for text in steps.all_inner_texts()] == STAGES
    expect(page.locator("[aria-current=step]")).to_have_text(re.compile("Configure"))
    expect(page.get_by_role("link", name="Preview postings")).to_be_visible()
    assert page.title() == "Configure · Job Ingestion"


def test_next_and_back_lead_between_the_first_two_stages(page):
    page.goto("/ingest")
    page.get_by_role("link", name="Preview postings").click()
    expect(heading(page, "Preview")).to_be_focused()
    expect(page.locator("[aria-current=step]")).to_have_text(re.compile("Preview"))
    page.get_by_role("link", name="Back").click()
    expect(heading(page, "Configure")).to_be_focused()
    page.get_by_role("link", name="Preview postings").click()
    page.get_by_role("navigation", name="Steps").get_by_role("link", name="Configure").click()
    expect(page).to_have_url(re.compile("/ingest$"))


def test_start_creates_a_run_and_stage_3_has_no_action_bar(page, product):
    start(page)
    expect(page).to_have_url(re.compile("/ingest/runs/1$"))
    expect(page.locator("[aria-current=step]")).to_have_text(re.compile("Ingest"))
    expect(page.get_by_role("link", name="Preview postings")).to_have_count(0)
    expect(page.get_by_role("link", name="Back")).to_have_count(0)
    expect(page.get_by_role("button", name="Start ingestion")).to_have_count(0)
    assert product.current_run_id() == 1


def test_stepper_shows_the_step_as_text_on_a_narrow_screen(visitor):
    page = visitor(viewport={"width": 320, "height": 640}).new_page()
    page.goto("/ingest/preview")
    expect(page.get_by_text("Step 2 of 3: Preview")).to_be_visible()
    page.set_viewport_size({"width": 800, "height": 640})
    expect(page.get_by_text("Step 2 of 3: Preview")).to_be_hidden()


def test_refresh_shows_the_run_again(page):
    start(page)
    page.reload()
    expect(heading(page, "Run 1")).to_be_visible()
    expect(page.get_by_text("Pending", exact=True)).to_be_visible()


@pytest.mark.parametrize("address", ["/", "/ingest", "/ingest/preview"])
def test_another_device_is_redirected_to_the_active_run(page, visitor, address):
    start(page)
    other = visitor().new_page()
    other.goto(address)
    expect(other).to_have_url(re.compile("/ingest/runs/1$"))
    expect(heading(other, "Run 1")).to_be_visible()


def test_second_open_tab_offers_the_run_and_stays(page):
    other = page.context.new_page()
    other.goto("/ingest")
    expect(other.get_by_role("link", name="Preview postings")).to_be_visible()
    start(page)
    expect(other.get_by_text("Run 1 is in progress.")).to_be_visible()
    expect(heading(other, "Configure")).to_be_visible()
    other.get_by_role("link", name="View run 1").click()
    expect(heading(other, "Run 1")).to_be_focused()


def test_double_click_starts_one_run(page, product):
    page.goto("/ingest/preview")
    sent = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.get_by_role("button", name="Start ingestion").click()
    page.get_by_role("button", name="Start collecting").dblclick()
    expect(page.get_by_text("Pending", exact=True)).to_be_visible()
    assert sent.count(f"{product.url}/api/ingestion/start") == 1
    expect(page.get_by_text("no second run was started")).to_have_count(0)


def test_start_while_a_run_is_active_leads_to_that_run(page, product):
    page.goto("/ingest/preview")
    expect(page.get_by_role("button", name="Start ingestion")).to_be_visible()
    product.start_run()
    press_start(page)
    expect(page).to_have_url(re.compile("/ingest/runs/1$"))
    expect(page.get_by_text("This run was already in progress, so no second run was started.")).to_be_visible()
    assert product.sql("SELECT count(*) FROM ingestion_runs") == [(1,)]


def test_abort_in_one_tab_shows_in_the_other(page):
    start(page)
    other = page.context.new_page()
    other.goto("/ingest/runs/1")
    other.get_by_role("button", name="Abort").click()
    other.get_by_role("button", name="Abort run").click()
    expect(page.get_by_text("Aborted").first).to_be_visible()
    expect(page.get_by_role("link", name="Set up a new run")).to_be_visible()
    expect(page).to_have_title("Run 1 · Aborted · Job Ingestion")


def test_browser_back_and_forward_work_from_a_run(page):
    start(page)
    page.go_back()
    expect(heading(page, "Preview")).to_be_visible()
    expect(page.get_by_text("Run 1 is in progress.")).to_be_visible()
    page.go_forward()
    expect(heading(page, "Run 1")).to_be_visible()


def test_keyboard_alone_starts_and_aborts_a_run(page, product):
    def press_until(locator, key="Tab"):
        for _ in range(12):
            if locator.evaluate("node => node === document.activeElement"):
                return
            page.keyboard.press(key)
        raise AssertionError(f"{locator} cannot be reached by {key}")

    page.goto("/")
    expect(page.get_by_role("link", name="Preview postings")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    press_until(page.get_by_role("link", name="Preview postings"))
    page.keyboard.press("Enter")
    expect(heading(page, "Preview")).to_be_focused()
    expect(page.get_by_role("button", name="Start ingestion")).to_be_enabled()
    press_until(page.get_by_role("button", name="Start ingestion"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Not yet")).to_be_focused()
    press_until(page.get_by_role("button", name="Start collecting"))
    page.keyboard.press("Enter")
    expect(heading(page, "Run 1")).to_be_focused()
    expect(page.get_by_role("button", name="Abort")).to_be_visible()
    press_until(page.get_by_role("button", name="Abort"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Keep running")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Abort")).to_be_focused()
    assert product.current_run_id() == 1
    page.keyboard.press("Enter")
    press_until(page.get_by_role("button", name="Abort run"))
    page.keyboard.press("Space")
    expect(page.get_by_role("link", name="Set up a new run")).to_be_visible()
    expect(heading(page, "Run 1")).to_be_focused()
    press_until(page.get_by_role("link", name="Set up a new run"))
    page.keyboard.press("Enter")
    expect(heading(page, "Configure")).to_be_focused()


def test_unknown_address_is_a_404_page(page):
    answer = page.goto("/nowhere")
    assert answer.status == 404
    expect(heading(page, "There is nothing at this address")).to_be_visible()
