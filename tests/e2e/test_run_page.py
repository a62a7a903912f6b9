"""Stage 3, the page of a run: status, timeline, abort, and errors."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.steps import go_offline
from tests.support.waiting import wait_until


def open_run(page, run_id) -> None:
    page.goto(f"/ingest/runs/{run_id}")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Run {run_id}")


def badge(page):
    return page.locator(".s3-status [role=status]")


def move(product, run_id, *statuses, **columns) -> None:
    """Move the run through these statuses with SQL, as a worker will."""
    for status in statuses:
        ended = status in ("finished", "error", "aborted")
        given = {"status": status, **(columns if status == statuses[-1] else {})}
        names = ", ".join(f"{name} = %s" for name in given)
        finished = ", finished_at = now()" if ended else ""
        product.sql(f"UPDATE ingestion_runs SET {names}{finished} WHERE id = %s", *given.values(), run_id)


def test_header_has_the_id_left_and_abort_right(page, product):
    open_run(page, product.start_run())
    expect(page.get_by_role("button", name="Abort")).to_be_visible()
    name = page.get_by_role("heading", level=1).bounding_box()
    abort = page.get_by_role("button", name="Abort").bounding_box()
    assert name["x"] + name["width"] < abort["x"]
    assert abs(name["y"] + name["height"] / 2 - abort["y"] - abort["height"] / 2) < 10


def test_run_id_can_be_copied(visitor, product):
    context = visitor(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    open_run(page, product.start_run())
    page.get_by_role("button", name="Copy the run's ID").click()
    expect(page.get_by_text("Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "1"


def test_status_row_has_badge_timer_and_start_time(page, product):
    open_run(page, product.start_run())
    expect(badge(page)).to_have_text("Pending")
    expect(page.locator(".s3-status svg")).to_be_visible()
    timer = page.get_by_role("timer")
    before = timer.inner_text()
    expect(timer).not_to_have_text(before)
    expect(page.locator(".s3-times").get_by_text("Started")).to_be_visible()
    expect(page.locator(".s3-times time")).to_have_count(1)


def test_run_without_a_worker_is_shown_as_waiting_for_one(page, product):
    [(run_id,)] = product.sql(
        "INSERT INTO ingestion_runs (user_id, next_dispatch_at)"
        " SELECT user_id, now() + interval '1 hour' FROM users RETURNING id"
    )
    open_run(page, run_id)
    expect(page.get_by_role("heading", name="Waiting for a worker")).to_be_visible()


def test_status_and_timeline_follow_the_run(page, product):
    run_id = product.start_run()
    open_run(page, run_id)
    expect(page.locator(".nw-counts")).to_have_count(0)
    move(product, run_id, "initializing")
    expect(badge(page)).to_have_text("Initializing")
    move(product, run_id, "ingesting", total_jobs=1200)
    expect(badge(page)).to_have_text("Ingesting")
    move(product, run_id, "finished", jobs_ready=1100, jobs_skipped=100, jobs_expired=0, jobs_failed=10)
    expect(badge(page)).to_have_text("Finished")
    expect(page.locator(".nw-counts dt")).to_have_text(["New or changed", "Unchanged", "Gone", "Could not be read"])
    expect(page.locator(".nw-count")).to_have_text(["1,100", "100", "0", "10"])
    changes = page.locator(".rd-change")
    expect(changes).to_have_text(["Started", "Initializing", "Ingesting", "Finished"])
    expect(page.locator(".rd-timeline li").first).to_contain_text("by you")


TO_THE_END = ["initializing", "ingesting", "finished"]


@pytest.mark.parametrize(
    ("path", "columns", "sentence", "label", "icon"),
    [
        (TO_THE_END, {"jobs_ready": 0}, "No job came of this run", "Finished", "success"),
        (["error"], {"error_message": "The board is gone."}, "The board is gone.", "Error", "danger"),
        (["aborted"], {}, "Aborted before it brought a job", "Aborted", "warning"),
    ],
)
def test_ended_run_shows_its_outcome_and_duration(page, product, path, columns, sentence, label, icon):
    run_id = product.start_run()
    move(product, run_id, *path, **columns)
    open_run(page, run_id)
    expect(badge(page)).to_have_text(label)
    expect(page.get_by_text(sentence)).to_be_visible()
    expect(page.get_by_text("Took")).to_be_visible()
    expect(page.get_by_text("Ended", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Abort")).to_have_count(0)
    expect(page).to_have_title(f"Run {run_id} · {label} · Job Ingestion")
    expect(page.locator("link[rel=icon]")).to_have_attribute("href", f"/favicon-{icon}.svg")
    page.get_by_role("link", name="Set up a new run").click()
    expect(page).to_have_url(re.compile("/ingest$"))
    expect(page.locator("link[rel=icon]")).to_have_attribute("href", "/favicon-idle.svg")


def test_abort_asks_for_confirmation_with_the_safe_answer_focused(page, product):
    open_run(page, product.start_run())
    page.get_by_role("button", name="Abort").click()
    assert page.locator("dialog").evaluate("node => node.matches(':modal')")
    expect(page.get_by_role("button", name="Keep running")).to_be_focused()
    page.get_by_role("button", name="Keep running").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert product.current_run_id() == 1


def test_status_change_is_announced_once(page, product):
    open_run(page, product.start_run())
    expect(badge(page)).to_have_text("Pending")
    expect(page.get_by_role("list").filter(has_text="Acme")).to_be_visible()
    page.evaluate(
        "window.announced = []; document.querySelectorAll('[role=status], [role=alert]').forEach(node =>"
        " new MutationObserver(() => window.announced.push(node.innerText))"
        ".observe(node, {subtree: true, childList: true, characterData: true}))"
    )
    page.get_by_role("button", name="Abort").click()
    page.get_by_role("button", name="Abort run").click()
    expect(badge(page)).to_have_text("Aborted")
    expect(page.locator(".rd-timeline li")).to_have_count(2)
    assert page.evaluate("window.announced") == ["Aborted"]
    assert page.get_by_role("alert").count() == 0


def test_failed_abort_is_reported_dismissed_and_retried(page, product):
    open_run(page, product.start_run())
    page.get_by_role("button", name="Abort").click()
    go_offline(page)
    page.get_by_role("button", name="Abort run").click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("We do not know whether the run was aborted.")
    page.context.set_offline(False)
    expect(page.get_by_text("Connection lost")).to_have_count(0)
    alert.get_by_role("button", name="Dismiss this message").click()
    expect(alert).to_have_count(0)
    assert product.current_run_id() == 1
    page.get_by_role("button", name="Abort").click()
    page.get_by_role("button", name="Abort run").click()
    expect(badge(page)).to_have_text("Aborted")
    assert product.current_run_id() is None


def test_abort_that_loses_against_finish_shows_the_true_status(page, product):
    """The worker has finished the run, but not committed yet. The abort waits for the row, and comes too late."""
    run_id = product.start_run()
    open_run(page, run_id)
    with product.connect() as worker:
        for status in ("initializing", "ingesting"):
            worker.execute("UPDATE ingestion_runs SET status = %s WHERE id = %s", (status, run_id))
        worker.execute("UPDATE ingestion_runs SET status = 'finished', finished_at = now() WHERE id = %s", (run_id,))
        page.get_by_role("button", name="Abort").click()
        page.get_by_role("button", name="Abort run").click()
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        wait_until(lambda: product.sql(waiting) != [(0,)], what="the abort behind the worker's lock")
    expect(page.get_by_text("The run had already ended before the abort reached it.")).to_be_visible()
    expect(badge(page)).to_have_text("Finished")
    assert product.run(run_id)["status"] == "finished"


@pytest.mark.parametrize("run_id", ["999", "abc", "99999999999999999999", "0", "..%2F1"])
def test_unknown_run_has_its_own_page(page, run_id):
    page.goto(f"/ingest/runs/{run_id}")
    expect(page.get_by_role("heading", level=1, name="There is no run")).to_be_visible()
    expect(page.get_by_role("link", name="See your runs")).to_be_visible()
    expect(page).to_have_title("No such run · Job Ingestion")


def test_timeline_names_the_operator_who_aborted(page, product):
    run_id = product.start_run()
    open_run(page, run_id)
    assert product.command("runs", "abort", str(run_id)).returncode == 0
    expect(badge(page)).to_have_text("Aborted")
    expect(page.locator(".rd-timeline li").last).to_contain_text("by the operator")
