"""Boards as a user meets them on Preview: refreshed, held, and waiting for a reader."""

from playwright.sync_api import expect

from tests.e2e.conftest import frozen
from tests.support.boards import job
from tests.support.chromium import axe_violations

MANY = [job(number, f"Engineer {number}") for number in range(20)]

AGE = "UPDATE boards SET content_began_at = content_began_at - interval '5 minutes'"


def expect_finished(page) -> None:
    """Wait for the end of the preview; a run may start before it."""
    expect(page.get_by_role("region", name="Totals").get_by_role("status")).to_contain_text("Finished")


def open_preview(page) -> None:
    page.goto("/ingest/preview")
    expect_finished(page)


def test_refresh_reads_a_board_that_a_preview_would_reuse(page, product, boards):
    open_preview(page)
    product.sql(AGE)
    path = boards.greenhouse("acme", MANY)
    before = boards.count(path)
    with page.expect_response(lambda response: response.request.method == "POST") as created:
        page.get_by_role("button", name="Refresh").click()
    assert created.value.request.post_data_json == {"refresh": True}
    expect(page.get_by_role("region", name="Totals")).to_contain_text("of 20 postings from 1 company")
    assert boards.count(path) == before + 1


def test_board_that_shrinks_by_more_than_half_says_so(page, product, boards):
    boards.greenhouse("acme", MANY)
    open_preview(page)
    product.sql(AGE)
    boards.greenhouse("acme", MANY[:4])
    page.get_by_role("button", name="Refresh").click()
    expect(page.get_by_text("The board shrank from 20 to 4 postings.")).to_be_visible()
    assert axe_violations(page) == []


def test_preview_without_a_reader_says_why_it_waits(page, product):
    with frozen(product, "reader@"):
        page.goto("/ingest/preview")
        expect(page.get_by_text("No program reads boards on this server at present")).to_be_visible()
        assert axe_violations(page) == []
    expect_finished(page)
    expect(page.get_by_text("No program reads boards on this server at present")).to_have_count(0)
