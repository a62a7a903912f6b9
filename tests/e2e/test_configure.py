"""The first use of the product: choose companies, preview their postings, and start a run."""

import json
import re
from threading import Event

import pytest
from playwright.sync_api import expect

from tests.e2e.steps import press_start
from tests.support.boards import Reply, job
from tests.support.waiting import wait_until

GLOBEX = "https://boards.greenhouse.io/globex"


@pytest.fixture
def newcomer(page, product):
    """A user without companies, on the Configure page."""
    product.sql("TRUNCATE companies RESTART IDENTITY CASCADE")
    page.goto("/ingest")
    return page


def totals(page):
    return page.get_by_role("region", name="Totals")


def card(page, name):
    return page.get_by_role("button", name=re.compile(f"^{name}"))


def refresh(page) -> None:
    """Press Refresh, and wait until the new preview is finished."""
    with page.expect_response(lambda response: response.request.method == "POST") as created:
        page.get_by_role("button", name="Refresh").click()
    preview_id = created.value.json()["preview_id"]
    is_finished = "id => fetch(`/api/ingestion/dry-run/${id}`).then((r) => r.json()).then((p) => p.is_finished)"
    wait_until(lambda: page.evaluate(is_finished, preview_id), what="the end of the preview")
    expect(page.get_by_role("button", name="Start ingestion")).to_be_enabled()


def add(page, address: str) -> None:
    page.get_by_label("Careers page address").fill(address)
    page.get_by_role("button", name="Find board").click()


def test_configure_leads_from_an_address_through_the_preview_to_a_run(newcomer, boards, product):
    page = newcomer
    boards.greenhouse("globex", [job(n, f"Engineer {n}") for n in range(3)] + [job(9, "Engineering Intern")])
    add(page, GLOBEX)
    found = page.get_by_role("region", name="globex")
    expect(found).to_contain_text("Greenhouse")
    expect(found).to_contain_text("Engineer 0")
    assert product.sql("SELECT count(*) FROM companies") == [(0,)], "nothing is saved before the user confirms"
    found.get_by_label("Name in your list").fill("Globex")
    found.get_by_role("button", name="Add to my list").click()
    expect(page.get_by_role("button", name="Edit filters of Globex")).to_be_visible()
    page.get_by_role("button", name="Edit filters of Globex").click()
    page.get_by_label("Titles must not contain").fill("intern")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Every title; not with intern.")).to_be_visible()
    page.get_by_role("link", name="Preview postings").click()
    expect(totals(page)).to_contain_text("3 of 4 postings from 1 company")
    card(page, "Globex").click()
    expect(page.get_by_role("link", name="Engineer 0")).to_have_attribute("href", "https://example.org/jobs/0")
    expect(page.get_by_text("Engineering Intern")).to_have_count(0)
    page.get_by_role("button", name=re.compile("left out")).click()
    expect(page.get_by_text("Engineering Intern")).to_be_visible()
    page.get_by_role("button", name="Start ingestion").click()
    expect(page.get_by_role("dialog")).to_contain_text("Collect 3 postings from 1 company?")
    page.get_by_role("dialog").get_by_role("button", name="Start collecting").click()
    expect(page.get_by_role("heading", level=1, name="Run 1")).to_be_visible()
    assert product.sql("SELECT preview_id FROM ingestion_runs") == product.sql("SELECT max(preview_id) FROM previews")


def test_suggested_companies_are_added_with_checkboxes(newcomer, product):
    page = newcomer
    page.get_by_role("checkbox", name=re.compile("Anthropic")).check()
    page.get_by_role("checkbox", name=re.compile("Spotify")).check()
    page.get_by_role("button", name="Add 2 companies").click()
    expect(page.get_by_role("button", name="Edit filters of Spotify")).to_be_visible()
    assert product.sql("SELECT source, board FROM companies ORDER BY board") == [
        ("greenhouse", "anthropic"),
        ("lever", "spotify"),
    ]


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("https://127.0.0.1/careers", "public https address"),
        ("http://acme.example/careers", "public https address"),
        ("https://jobs.lever.co/nobody", "does not exist"),
    ],
)
def test_add_company_reports_a_bad_address_and_keeps_it(newcomer, address, message):
    add(newcomer, address)
    expect(newcomer.get_by_role("alert")).to_contain_text(message)
    expect(newcomer.get_by_label("Careers page address")).to_have_value(address)


def test_undo_restores_a_removed_company_with_its_filters(page, product):
    page.goto("/ingest")
    page.get_by_role("button", name="Remove Acme").click()
    expect(page.get_by_text("Acme was removed")).to_be_visible()
    assert product.sql("SELECT count(*) FROM companies") == [(0,)]
    page.get_by_role("button", name="Undo the removal of Acme").click()
    expect(page.get_by_role("button", name="Edit filters of Acme")).to_be_visible()
    assert product.sql("SELECT board, exclude FROM companies") == [("acme", ["intern"])]


def test_unsaved_filters_survive_a_refresh_and_prompt_before_next(page, product):
    page.goto("/ingest")
    page.get_by_role("button", name="Edit filters of Acme").click()
    page.get_by_label("Titles must contain").fill("designer")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(page.get_by_label("Titles must contain")).to_have_value("designer")
    page.get_by_role("link", name="Preview postings").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", level=1, name="Configure")).to_be_visible()
    assert product.sql("SELECT include FROM companies") == [([],)]


def test_export_and_import_of_companies_as_a_file(page, product, tmp_path):
    page.goto("/ingest")
    page.get_by_text("Import and export").click()
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("Export")).click()
    path = tmp_path / "companies.json"
    download.value.save_as(path)
    saved = json.loads(path.read_text())
    assert [company["board"] for company in saved["companies"]] == ["acme"]
    saved["companies"].append({"source": "lever", "board": "globex", "name": "Globex"})
    path.write_text(json.dumps(saved))
    page.get_by_label("Import companies from a file").set_input_files(path)
    page.get_by_role("button", name=re.compile("Import 2")).click()
    expect(page.get_by_role("button", name="Edit filters of Globex")).to_be_visible()
    assert product.sql("SELECT board FROM companies ORDER BY 1") == [("acme",), ("globex",)]


def test_preview_reports_a_failed_company_and_lists_the_others(page, product, boards):
    product.sql(
        "INSERT INTO companies (user_id, source, board, name)"
        " SELECT user_id, 'greenhouse', 'gone', 'Gone Inc' FROM companies"
    )
    page.goto("/ingest/preview")
    expect(totals(page)).to_contain_text("2 of 3 postings")
    expect(page.get_by_text("Greenhouse's board gone does not exist.")).to_be_visible()
    page.get_by_role("button", name="Start ingestion").click()
    expect(page.get_by_role("dialog")).to_contain_text("Gone Inc")


def test_preview_survives_a_refresh_without_new_requests(page, product, boards):
    page.goto("/ingest/preview")
    expect(totals(page)).to_contain_text("2 of 3 postings")
    page.reload()
    expect(totals(page)).to_contain_text("2 of 3 postings")
    assert boards.count("/v1/boards/acme/jobs") == 1
    refresh(page)
    assert boards.count("/v1/boards/acme/jobs") == 1, "a listing of the last minute answers a Refresh too"
    product.sql("UPDATE boards SET content_began_at = content_began_at - interval '2 minutes'")
    refresh(page)
    assert boards.count("/v1/boards/acme/jobs") == 2


def test_start_refuses_an_outdated_preview(page, product):
    page.goto("/ingest/preview")
    expect(page.get_by_role("button", name="Start ingestion")).to_be_enabled()
    product.sql("UPDATE companies SET exclude = '{}'")
    press_start(page)
    expect(page.get_by_role("alert")).to_contain_text("have changed since this preview")
    assert product.current_run_id() is None
    page.get_by_role("alert").get_by_role("button", name="Make a new preview").click()
    expect(totals(page)).to_contain_text("3 of 3 postings")


def test_search_covers_all_companies(page, product, boards):
    boards.greenhouse("globex", [job(7, "Nuclear Engineer")])
    product.sql(
        "INSERT INTO companies (user_id, source, board, name)"
        " SELECT user_id, 'greenhouse', 'globex', 'Globex' FROM companies"
    )
    page.goto("/ingest/preview")
    expect(totals(page)).to_contain_text("3 of 4 postings")
    page.get_by_label("Search all postings").fill("engineer")
    for title in ("Nuclear Engineer", "Software Engineer", "Internal Tools Engineer"):
        expect(page.get_by_role("link", name=title)).to_be_visible()
    page.get_by_label("Search all postings").fill("nuclear")
    expect(page.get_by_role("link", name="Software Engineer")).to_have_count(0)


def test_preview_shows_hostile_markup_as_text_and_replaces_bad_links(page, product, boards):
    hostile = job(1, "<img src=x onerror=alert(1)>", "&lt;script&gt;alert(2)&lt;/script&gt;&lt;p&gt;Words.&lt;/p&gt;")
    boards.greenhouse("acme", [hostile, job(2, "Sly", absolute_url="javascript:alert(3)")])
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    page.goto("/ingest/preview")
    expect(totals(page)).to_contain_text("2 of 2 postings")
    card(page, "Acme").click()
    expect(page.get_by_role("link", name="<img src=x onerror=alert(1)>")).to_be_visible()
    at_the_board = "https://job-boards.greenhouse.io/acme/jobs/2"
    expect(page.get_by_role("link", name="Sly")).to_have_attribute("href", at_the_board)
    assert page.locator("a[href^=javascript]").count() == 0


def test_preview_shows_its_progress_while_a_board_is_slow(page, product, boards):
    hold = Event()
    boards.answer("/v1/boards/slow/jobs", Reply(200, json.dumps({"jobs": []}).encode(), hold=hold))
    boards.held.append(hold)
    product.sql(
        "INSERT INTO companies (user_id, source, board, name)"
        " SELECT user_id, 'greenhouse', 'slow', 'Slow Inc' FROM companies"
    )
    page.goto("/ingest/preview")
    expect(page.get_by_text("1 of 2 boards read")).to_be_visible()
    expect(page.get_by_role("button", name="Start ingestion")).to_be_enabled()
    expect(page.get_by_text("The run waits for the board that is left.")).to_be_visible()
    hold.set()
    expect(page.get_by_text("The run waits for the board that is left.")).to_have_count(0)
