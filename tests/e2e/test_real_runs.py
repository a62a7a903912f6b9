"""Runs that ingest, as a person meets them: from the first company to the jobs, and what later runs say."""

import re
from threading import Event

import pytest
from playwright.sync_api import expect

from tests.e2e.real_runs import (
    badge,
    check,
    choose,
    company,
    counts,
    headline,
    open_run,
    run_to_its_end,
    wait_for_second_witness,
)
from tests.e2e.test_configure import GLOBEX, add
from tests.support.boards import job
from tests.support.waiting import wait_until

TEXT = "<p>Build things.</p><h2>Requirements</h2><ul><li>Python</li></ul>"

SCREENS = [("light", 1440), ("dark", 320)]


@pytest.fixture
def product(working_product):
    """The product whose runs ingest."""
    return working_product


@pytest.fixture(params=SCREENS, ids=["light-1440", "dark-320"])
def screen(request, visitor):
    """A tab of this width and these colours."""
    colours, width = request.param
    return visitor(viewport={"width": width, "height": 900}, color_scheme=colours).new_page()


def age_readings(product) -> None:
    """Make the boards' readings too old to serve another preview or run."""
    product.sql("UPDATE boards SET content_began_at = content_began_at - interval '1 hour'")


def test_person_adds_a_company_and_starts_before_its_board_is_read(screen, product, boards):
    globex = [job(number, f"Engineer {number}", TEXT) for number in range(10, 13)]
    boards.greenhouse("globex", globex)
    screen.goto("/ingest")
    add(screen, GLOBEX)
    screen.get_by_role("region", name="globex").get_by_role("button", name="Add to my list").click()
    expect(screen.get_by_role("button", name=re.compile("Edit filters of globex", re.IGNORECASE))).to_be_visible()
    age_readings(product)
    release = Event()
    boards.greenhouse("globex", globex, hold=release)
    screen.get_by_role("link", name="Preview postings").click()
    expect(screen.get_by_text("2 postings so far. The run waits for the board that is left.")).to_be_visible()
    screen.get_by_role("button", name="Start ingestion").click()
    expect(screen.get_by_role("dialog")).to_contain_text("Start before every board is read?")
    check(screen, "question before the start")
    screen.get_by_role("dialog").get_by_role("button", name="Start collecting").click()
    expect(badge(screen)).to_have_text("Initializing")
    expect(headline(screen)).to_have_text("Reading boards, 1 of 2 boards done")
    expect(company(screen, "Acme")).to_contain_text("Read")
    expect(company(screen, "lobex")).to_contain_text("Reading now")
    check(screen, "initializing")
    release.set()
    expect(badge(screen)).to_have_text("Finished")
    expect(headline(screen)).to_have_text("5 new jobs")
    assert counts(screen)["New"] == "5"
    expect(company(screen, "Acme")).to_contain_text("2 of 3 postings match: 2 new.")
    expect(company(screen, "lobex")).to_contain_text("3 of 3 postings match: 3 new.")
    check(screen, "finished")


def test_run_counts_jobs_while_a_company_is_still_to_come(screen, product, boards):
    """Another transaction holds a job of the second company, so the run stays between the two."""
    boards.greenhouse("zenith", [job(1, "Pilot", TEXT)])
    choose(product, "zenith")
    run_to_its_end(product)
    boards.greenhouse("acme", [job(number, f"Engineer {number}", TEXT) for number in range(1, 6)])
    boards.greenhouse("zenith", [job(1, "Test Pilot", TEXT)])
    age_readings(product)
    with product.connect() as other:
        other.execute("SELECT id FROM jobs WHERE title = 'Pilot' FOR UPDATE")
        screen.goto(f"/ingest/runs/{product.start_run()}")
        expect(badge(screen)).to_have_text("Ingesting")
        expect(headline(screen)).to_have_text("3 new jobs, 2 changed so far, 5 of 6 jobs done")
        expect(screen.get_by_role("progressbar", name="Jobs done")).to_be_visible()
        expect(company(screen, "Acme")).to_contain_text("Done")
        check(screen, "ingesting")
    expect(badge(screen)).to_have_text("Finished")
    expect(headline(screen)).to_have_text("3 new jobs, 3 changed")


def test_jobs_of_a_run_are_searched_read_and_lead_to_their_postings(screen, product, boards):
    boards.greenhouse("acme", [job(1, "Software Engineer", TEXT), job(2, "Designer", TEXT)])
    open_run(screen, run_to_its_end(product))
    screen.get_by_role("link", name="See the jobs of this run").click()
    expect(screen.get_by_text("2 jobs on this page")).to_be_visible()
    expect(screen.get_by_text("Only jobs of run 1.")).to_be_visible()
    check(screen, "jobs of a run")
    screen.get_by_label("Search titles").fill("engineer")
    expect(screen.get_by_text("1 job on this page")).to_be_visible()
    expect(screen).to_have_url(re.compile("q=engineer"))
    screen.get_by_role("link", name="Software Engineer").click()
    expect(screen.get_by_role("heading", level=2, name="Software Engineer")).to_be_focused()
    panel = screen.get_by_role("region", name="Software Engineer")
    expect(panel.get_by_text("Requirements", exact=True)).to_have_count(1)
    expect(panel).to_contain_text("Build things.")
    expect(panel).to_contain_text("Found")
    original = panel.get_by_role("link", name="Open the posting")
    expect(original).to_have_attribute("href", "https://example.org/jobs/1")
    expect(original).to_have_attribute("rel", "noreferrer")
    check(screen, "a job")
    panel.get_by_role("link", name="Close").click()
    expect(screen.get_by_role("link", name="Software Engineer")).to_be_focused()
    screen.get_by_label("Search titles").fill("nurse")
    expect(screen.get_by_text("No jobs match.")).to_be_visible()
    check(screen, "no matching job")


def test_jobs_page_without_jobs_leads_to_the_setup_of_a_run(screen):
    screen.goto("/jobs")
    expect(screen.get_by_text("You have no jobs yet.")).to_be_visible()
    check(screen, "no jobs")
    screen.get_by_role("link", name="Set up a run").click()
    expect(screen.get_by_role("heading", level=1, name="Configure")).to_be_visible()


def test_later_runs_tell_new_changed_unchanged_missing_and_gone(screen, product, boards):
    boards.greenhouse("acme", [job(1, "Software Engineer", TEXT), job(2, "Designer", TEXT), job(3, "Pilot", TEXT)])
    run_to_its_end(product)
    later = [job(1, "Software Engineer", TEXT), job(2, "Lead Designer", TEXT), job(4, "Nurse", TEXT)]
    boards.greenhouse("acme", later)
    wait_for_second_witness(product)
    open_run(screen, run_to_its_end(product))
    expect(headline(screen)).to_have_text("1 new job, 1 changed")
    assert counts(screen) | {"Unchanged": "1", "Gone": "0", "Back again": "0"} == counts(screen)
    expect(company(screen, "Acme")).to_contain_text("3 of 3 postings match: 1 new, 1 changed, 1 unchanged.")
    screen.goto("/jobs?state=missing")
    expect(screen.get_by_role("listitem").filter(has_text="Pilot")).to_contain_text("Not on the board since")
    check(screen, "a job that is missing")
    wait_for_second_witness(product)
    open_run(screen, run_to_its_end(product))
    expect(headline(screen)).to_have_text("1 job gone")
    assert counts(screen)["Gone"] == "1" and counts(screen)["Unchanged"] == "3"
    screen.goto("/jobs?state=gone")
    expect(screen.get_by_role("listitem").filter(has_text="Pilot")).to_contain_text("Gone since")
    screen.get_by_role("link", name="Pilot").click()
    panel = screen.get_by_role("region", name="Pilot")
    expect(panel).to_contain_text("Gone: not on its board in at least two readings")
    check(screen, "a job that is gone")


def test_failed_company_shows_its_reason_and_is_retried(screen, product, boards):
    boards.fault("globex", 404)
    choose(product, "globex")
    open_run(screen, run_to_its_end(product))
    expect(screen.get_by_role("heading", name="1 company failed")).to_be_visible()
    expect(company(screen, "Globex")).to_contain_text("Not read")
    expect(company(screen, "Globex")).to_contain_text("Greenhouse's board globex does not exist.")
    check(screen, "finished with a failure")
    boards.greenhouse("globex", [job(1, "Pilot", TEXT)])
    wait_for_second_witness(product)
    screen.get_by_role("button", name="Retry failed companies").click()
    expect(screen.get_by_role("heading", level=1, name="Run 2")).to_be_focused()
    expect(screen.get_by_role("link", name="Retry of run 1")).to_be_visible()
    expect(headline(screen)).to_have_text("1 new job")
    expect(screen.get_by_role("button", name="Retry failed companies")).to_have_count(0)
    check(screen, "finished retry")
    screen.goto("/runs")
    expect(screen.locator(".rp-row").last).to_contain_text("2 companies · 1 failed")
    check(screen, "runs")


def test_run_without_a_readable_board_ends_with_an_error(screen, product, boards):
    boards.fault("acme", 404)
    open_run(screen, run_to_its_end(product), "Error")
    expect(screen.get_by_text("Reason:")).to_be_visible()
    expect(company(screen, "Acme")).to_contain_text("Not read")
    check(screen, "error")


@pytest.mark.parametrize(
    ("answer", "outcome", "gone"),
    [("They are gone, close 60 jobs", "You closed 60 jobs", 60), ("Keep them open", "You kept 60 jobs open", 0)],
    ids=["gone", "kept"],
)
def test_question_about_closings_is_answered(screen, product, boards, answer, outcome, gone):
    everything = [job(number, f"Engineer {number}") for number in range(130)]
    boards.greenhouse("acme", everything)
    run_to_its_end(product)
    boards.greenhouse("acme", everything[60:])
    for _ in range(2):
        wait_for_second_witness(product)
        last = run_to_its_end(product)
    open_run(screen, last)
    expect(headline(screen)).to_have_text("Nothing new, 60 jobs may be gone")
    expect(screen.get_by_role("heading", name="Are 60 jobs really gone?")).to_be_visible()
    expect(company(screen, "Acme")).to_contain_text("60 in question")
    check(screen, "question about closings")
    screen.get_by_role("button", name=answer).click()
    expect(screen.get_by_text(outcome)).to_be_visible()
    expect(screen.get_by_role("heading", name="Are 60 jobs really gone?")).to_be_focused()
    check(screen, "answered question")
    assert product.sql("SELECT count(*) FROM jobs WHERE status = 'expired'") == [(gone,)]


def test_run_without_a_worker_says_so_until_one_is_back(screen, product):
    product.suspend_launcher()  # It would restart the worker at once.
    for process in product.processes_matching("-n worker@"):
        process.kill()
    wait_until(lambda: product.health() == "degraded", what="the report of the missing worker")
    screen.goto(f"/ingest/runs/{product.start_run()}")
    expect(headline(screen)).to_have_text("Waiting for a worker")
    expect(screen.get_by_text("No worker is running on this server at present.")).to_be_visible()
    check(screen, "no worker")
    product.resume_launcher()
    expect(badge(screen)).to_have_text("Finished")
    expect(screen.get_by_text("No worker is running on this server at present.")).to_have_count(0)
    expect(headline(screen)).to_have_text("2 new jobs")
