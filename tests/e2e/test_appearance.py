"""Every screen and state passes axe, fits into 320 px, and works in light and dark colours."""

import pytest
from playwright.sync_api import expect

from tests.e2e.steps import go_offline, press_start
from tests.e2e.test_run_page import badge, move
from tests.support.chromium import axe_violations

SIZES = {
    "narrow": {"width": 320, "height": 640},
    "middle": {"width": 768, "height": 1024},
    "wide": {"width": 1440, "height": 900},
}
MAX_SCRIPT_BYTES = 110_000


@pytest.fixture(params=[("narrow", "dark"), ("middle", "light"), ("wide", "dark")], ids="-".join)
def screen(request, visitor):
    """A tab of this size and colour scheme, with a method that checks it."""
    size, colours = request.param
    page = visitor(viewport=SIZES[size], color_scheme=colours).new_page()

    def check(what: str) -> None:
        assert axe_violations(page) == [], what
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, f"{what} is too wide"
        small = page.evaluate(
            "[...document.querySelectorAll('button, select, nav a')].filter(node => node.offsetParent)"
            ".map(node => [node.innerText, node.offsetHeight]).filter(([, height]) => height < 24)"
        )
        assert small == [], f"{what} has targets that are too small"

    page.check = check
    return page


def test_configure_and_preview_are_accessible(screen, product):
    screen.goto("/")
    expect(screen.get_by_role("link", name="Preview postings")).to_be_visible()
    screen.check("configure")
    screen.goto("/ingest/preview")
    expect(screen.get_by_role("button", name="Start ingestion")).to_be_enabled()
    product.start_run()
    expect(screen.get_by_text("Run 1 is in progress.")).to_be_visible()
    screen.check("preview with an active run")
    go_offline(screen)
    press_start(screen)
    expect(screen.get_by_role("alert")).to_be_visible()
    screen.check("failed start")


def test_run_page_is_accessible_from_start_to_abort(screen, product):
    screen.goto(f"/ingest/runs/{product.start_run()}")
    expect(screen.get_by_text("by you")).to_be_visible()
    screen.check("pending")
    screen.get_by_role("button", name="Abort").click()
    screen.check("confirmation of an abort")
    go_offline(screen)
    screen.get_by_role("button", name="Abort run").click()
    expect(screen.get_by_role("alert")).to_be_visible()
    expect(screen.get_by_text("Connection lost")).to_be_visible()
    screen.check("failed abort without a connection")


def test_run_page_notices_are_accessible(screen, product):
    screen.goto("/ingest/preview")
    expect(screen.get_by_role("button", name="Start ingestion")).to_be_enabled()
    product.start_run()
    press_start(screen)
    expect(screen.get_by_text("no second run was started")).to_be_visible()
    screen.check("start while a run was active")
    screen.reload()
    expect(badge(screen)).to_have_text("Pending")
    expect(screen.get_by_text("no second run was started")).to_have_count(0)


@pytest.mark.parametrize(
    ("path", "columns"),
    [
        (["initializing"], {}),
        (["initializing", "ingesting"], {"total_jobs": 4}),
        (["initializing", "ingesting", "finished"], {"total_jobs": 4, "jobs_ready": 4}),
        (["error"], {"error_message": "https://boards.example.org/" + "a-very-long-word-without-a-blank" * 20}),
        (["aborted"], {}),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else "",
)
def test_run_page_is_accessible_in_every_status(screen, product, path, columns):
    run_id = product.start_run()
    move(product, run_id, *path, **columns)
    screen.goto(f"/ingest/runs/{run_id}")
    expect(badge(screen)).to_have_text(path[-1].capitalize())
    expect(screen.locator(".rd-timeline li")).to_have_count(1 + len(path))
    screen.check(path[-1])


def test_runs_page_and_error_pages_are_accessible(screen, product):
    for _ in range(2):
        product.request_json("POST", f"/api/ingestion/abort/{product.start_run()}")
    screen.goto("/runs")
    expect(screen.locator(".rp-id")).to_have_count(2)
    screen.check("runs page")
    screen.goto("/runs?status=error")
    expect(screen.get_by_text("No runs have this status.")).to_be_visible()
    screen.check("empty runs page")
    screen.goto("/ingest/runs/999")
    expect(screen.get_by_text("There is no run 999")).to_be_visible()
    screen.check("unknown run")
    screen.goto("/nowhere")
    expect(screen.get_by_text("There is nothing at this address")).to_be_visible()
    screen.check("unknown address")


def test_forced_colours_keep_badges_and_buttons_distinct(visitor, product):
    page = visitor(forced_colors="active").new_page()
    page.goto(f"/ingest/runs/{product.start_run()}")
    expect(page.get_by_role("button", name="Abort")).to_be_visible()
    colour = "(node, side) => getComputedStyle(node)[`border${side}Color`]"
    background = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    for shown in (page.locator(".sb-badge"), page.get_by_role("button", name="Abort")):
        assert shown.evaluate(colour, "Top") != background
    current, other = (page.get_by_role("link", name=name, exact=True) for name in ("Ingest", "Runs"))
    assert current.evaluate(colour, "Bottom") != other.evaluate(colour, "Bottom")
    steps = page.locator(".st-step")
    assert steps.nth(2).evaluate(colour, "Top") != steps.nth(1).evaluate(colour, "Top")


def test_focused_elements_are_visible(visitor, product):
    """At 320 px, where the stepper shows its steps as bars."""
    page = visitor(viewport=SIZES["narrow"]).new_page()
    page.goto("/ingest/preview")
    expect(page.get_by_role("button", name="Start ingestion")).to_be_enabled()
    stops = []
    for _ in range(8):
        page.keyboard.press("Tab")
        stops.append(page.evaluate(
            "(({innerText, offsetWidth, offsetHeight}) => [innerText, Math.min(offsetWidth, offsetHeight)])"
            "(document.activeElement)"
        ))
    assert any("Configure" in text for text, _ in stops)
    assert [text for text, size in stops if size < 20] == []


def test_reduced_motion_disables_all_motion(visitor, product):
    page = visitor(reduced_motion="reduce").new_page()
    page.goto(f"/ingest/runs/{product.start_run()}")
    expect(page.get_by_role("button", name="Abort")).to_be_visible()
    moving = page.evaluate(
        "[...document.querySelectorAll('*')].filter(node => getComputedStyle(node).transitionDuration !== '0s'"
        " || getComputedStyle(node).animationName !== 'none').length"
    )
    assert moving == 0


def test_scripts_are_compressed_and_small(page):
    scripts = []
    page.on("response", lambda answer: scripts.append(answer) if ".js" in answer.url else None)
    page.goto("/ingest")
    expect(page.get_by_role("link", name="Preview postings")).to_be_visible()
    assert scripts
    assert {answer.headers["content-encoding"] for answer in scripts} == {"br"}
    assert sum(int(answer.headers["content-length"]) for answer in scripts) <= MAX_SCRIPT_BYTES
