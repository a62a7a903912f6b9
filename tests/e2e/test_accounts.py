"""Accounts in a real browser: sign-in, sign-out, an ended session, sessions, tokens, the password and deletion."""

import json
import re
import secrets
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.conftest import BOARD_TABLES, browsing
from tests.e2e.real_runs import check
from tests.e2e.steps import choose_acme, press_start
from tests.support.boards import Boards, environment
from tests.support.chromium import axe_violations
from tests.support.product import Product, ensure_running, temporary_folder, temporary_product

PASSWORD = "correct horse battery"
ANN, BOB = "ann@example.org", "bob@example.org"
SECRET_KEY = secrets.token_urlsafe(48)


@pytest.fixture(scope="module")
def shared_installation(board_server: Boards) -> Iterator[Product]:
    """The product with AUTH=accounts that all these tests share."""
    settings = {"AUTH": "accounts", "SECRET_KEY": SECRET_KEY, **environment(board_server.url)}
    with temporary_folder() as folder:
        with temporary_product(folder, measured=False, **settings) as product:
            product.start()
            for email in (ANN, BOB):
                done = product.command("users", "add", email, "--password-stdin", stdin=f"{PASSWORD}\n")
                assert done.returncode == 0, done.stderr
            product.sql("CREATE TABLE old_users AS TABLE users")
            yield product


@pytest.fixture
def installation(shared_installation: Product, boards: Boards) -> Product:
    """The shared product with Ann and Bob, a company for each, and no counted sign-in attempts."""
    product = ensure_running(shared_installation)
    product.sql(f"TRUNCATE users, {BOARD_TABLES} RESTART IDENTITY CASCADE")
    product.sql("INSERT INTO users (email, password_hash) SELECT email, password_hash FROM old_users ORDER BY user_id")
    for email in (ANN, BOB):
        choose_acme(product, email)
    product.flush_redis()
    return product


@pytest.fixture
def visitor(browser: Browser, installation: Product) -> Iterator[Callable[..., BrowserContext]]:
    """A function that opens a browser context for a visitor of this installation."""
    with browsing(browser, installation.url) as make:
        yield make


@pytest.fixture
def page(visitor: Callable[..., BrowserContext]) -> Page:
    """A tab of a new visitor."""
    return visitor().new_page()


def heading(page, name):
    return page.get_by_role("heading", level=1, name=name)


def fill_in(page, email: str = ANN, password: str = PASSWORD) -> None:
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_sign_in_leads_to_the_requested_page(page):
    page.goto("/runs?status=error")
    expect(heading(page, "Sign in")).to_be_visible()
    expect(page.get_by_role("navigation", name="Main")).to_have_count(0)
    fill_in(page)
    expect(page.get_by_text("No runs have this status.")).to_be_visible()
    page.reload()
    expect(page.get_by_text("No runs have this status.")).to_be_visible()


def test_session_is_hidden_from_scripts_and_browser_storage(page):
    page.goto("/")
    fill_in(page)
    expect(heading(page, "Configure")).to_be_visible()
    assert page.evaluate("document.cookie") == ""
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    [cookie] = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")


def test_sign_in_reports_a_wrong_password_and_limits_attempts(page):
    page.goto("/")
    for _ in range(2):
        fill_in(page, password="wrong")
        expect(page.get_by_role("alert")).to_have_text("The e-mail address or the password is wrong.")
    for _ in range(9):
        with page.expect_response("**/login"):
            fill_in(page, password="wrong")
    expect(page.get_by_role("alert")).to_contain_text(re.compile(r"Try again in \d+ (min|s)"))
    assert axe_violations(page) == []


def test_runs_page_shows_only_the_users_own_runs(visitor, installation):
    ann, bob = visitor().new_page(), visitor().new_page()
    for page, email in ((ann, ANN), (bob, BOB)):
        page.goto("/ingest/preview")
        fill_in(page, email)
        press_start(page)
        expect(page.get_by_role("button", name="Abort")).to_be_visible()
    expect(heading(bob, "Run 2")).to_be_visible()
    bob.goto("/ingest/runs/1")
    expect(heading(bob, "There is no run 1")).to_be_visible()
    bob.goto("/runs")
    expect(bob.locator(".rp-id")).to_have_text(["Run 2"])


def test_ended_session_leads_to_sign_in_and_keeps_the_typed_text(page, installation):
    page.goto("/account")
    fill_in(page)
    page.get_by_label("Token name").fill("my script")
    installation.sql("DELETE FROM credentials")
    page.get_by_role("button", name="Create token").click()
    expect(page.get_by_text("Your session has ended.")).to_be_visible()
    expect(heading(page, "Sign in")).to_be_focused()
    expect(page).to_have_title("Sign in · Job Ingestion")
    assert axe_violations(page) == []
    fill_in(page)
    expect(page.get_by_label("Token name")).to_have_value("my script")
    expect(page).to_have_title("Account · Job Ingestion")
    expect(page).to_have_url(re.compile("/account$"))
    page.get_by_role("button", name="Create token").click()
    expect(page.get_by_text("Copy it now")).to_be_visible()


def test_sign_in_of_another_user_shows_nothing_of_the_last_one(page, installation):
    page.goto("/ingest/preview")
    fill_in(page)
    press_start(page)
    expect(heading(page, "Run 1")).to_be_visible()
    installation.sql("DELETE FROM credentials")
    expect(page.get_by_text("Your session has ended.")).to_be_visible()
    fill_in(page, BOB)
    expect(heading(page, "There is no run 1")).to_be_visible()


def test_open_tab_follows_the_sign_in_of_another_user(visitor, installation):
    context = visitor()
    ann, other = context.new_page(), context.new_page()
    ann.goto("/account")
    fill_in(ann)
    expect(ann.get_by_text(ANN)).to_be_visible()
    other.goto("/")
    other.get_by_role("button", name="Sign out").click()
    expect(heading(other, "Sign in")).to_be_visible()
    fill_in(other, BOB)
    expect(heading(other, "Configure")).to_be_visible()
    ann.evaluate("window.dispatchEvent(new Event('visibilitychange'))")
    expect(ann.get_by_text(BOB)).to_be_visible()
    expect(ann.get_by_text(ANN)).to_have_count(0)


def test_local_product_on_the_same_machine_is_not_disturbed(page, product, installation):
    page.goto(f"{installation.url}/")
    fill_in(page)
    expect(heading(page, "Configure")).to_be_visible()
    page.goto(f"{product.url}/runs")
    expect(page.get_by_text("There are no runs yet.")).to_be_visible()
    expect(page.get_by_role("button", name="Sign out")).to_have_count(0)
    page.goto(f"{installation.url}/account")
    expect(page.get_by_text(ANN)).to_be_visible()


def test_logs_contain_no_secret(page, installation):
    page.goto("/")
    fill_in(page, password="a wrong password")
    expect(page.get_by_role("alert")).to_be_visible()
    fill_in(page)
    expect(heading(page, "Configure")).to_be_visible()
    [cookie] = page.context.cookies()
    token = installation.command("users", "token", ANN).stdout.strip()
    request = urllib.request.Request(f"{installation.url}/api/auth/me", headers={"Authorization": f"Bearer {token}"})
    urllib.request.urlopen(request).close()
    output = installation.output()
    assert "sign-in refused" in output and "credential issued" in output
    for secret in (PASSWORD, "a wrong password", cookie["value"], token, SECRET_KEY, ANN, "argon2"):
        assert secret not in output


def test_sign_out_ends_the_session_and_going_back_shows_no_page(page, installation):
    page.goto("/account")
    fill_in(page)
    page.get_by_role("button", name="Sign out").click()
    expect(heading(page, "Sign in")).to_be_visible()
    expect(page.get_by_text("Your session has ended.")).to_have_count(0)
    assert installation.sql("SELECT count(*) FROM credentials") == [(0,)]
    page.go_back()
    expect(heading(page, "Sign in")).to_be_visible()


def test_token_is_created_copied_used_and_revoked(visitor, installation):
    page = visitor(permissions=["clipboard-read", "clipboard-write"]).new_page()
    page.goto("/account")
    fill_in(page)
    page.get_by_label("Token name").fill("cron")
    page.get_by_role("button", name="Create token").click()
    page.get_by_role("button", name="Copy the token").click()
    expect(page.get_by_text("Copied")).to_be_visible()
    token = page.evaluate("navigator.clipboard.readText()")
    request = urllib.request.Request(f"{installation.url}/api/auth/me", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request) as answer:
        assert json.load(answer)["email"] == ANN
    page.reload()
    item = page.get_by_role("listitem").filter(has_text="cron")
    expect(item).to_contain_text("last used")
    expect(page.get_by_text(token)).to_have_count(0)
    item.get_by_role("button", name="Revoke cron").click()
    expect(item).to_have_count(0)
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(request)


def test_password_change_ends_the_session_on_another_device(visitor):
    here, there = visitor().new_page(), visitor().new_page()
    for page in (here, there):
        page.goto("/account")
        fill_in(page)
        expect(heading(page, "Account")).to_be_visible()
    here.get_by_label("Current password").fill(PASSWORD)
    here.get_by_label("New password").fill("a whole new password")
    here.get_by_role("button", name="Change password").click()
    expect(here.get_by_text("Your password was changed.")).to_be_visible()
    there.get_by_role("link", name="Runs").click()
    expect(there.get_by_text("Your session has ended.")).to_be_visible()
    fill_in(there, password="a whole new password")
    expect(there.get_by_text("There are no runs yet.")).to_be_visible()


def test_account_page_lists_and_ends_another_session(visitor):
    here, there = visitor().new_page(), visitor().new_page()
    for page in (there, here):
        page.goto("/account")
        fill_in(page)
        expect(heading(page, "Account")).to_be_visible()
    expect(here.get_by_role("listitem").filter(has_text="Chrome on Linux")).to_have_count(2)
    expect(here.get_by_role("listitem").filter(has_text="this session")).to_have_count(1)
    here.get_by_role("button", name="Revoke Chrome on Linux").click()
    expect(here.get_by_role("listitem").filter(has_text="Chrome on Linux")).to_have_count(1)
    there.get_by_role("link", name="Runs").click()
    expect(heading(there, "Sign in")).to_be_visible()


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1440])
def test_account_screens_are_accessible_and_fit(visitor, colours, width):
    page = visitor(viewport={"width": width, "height": 800}, color_scheme=colours).new_page()

    def check() -> None:
        assert axe_violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0

    page.goto("/account")
    expect(heading(page, "Sign in")).to_be_visible()
    check()
    fill_in(page, password="wrong")
    expect(page.get_by_role("alert")).to_be_visible()
    check()
    fill_in(page)
    expect(page.get_by_role("listitem").filter(has_text="this session")).to_be_visible()
    page.get_by_label("Token name").fill("cron")
    page.get_by_role("button", name="Create token").click()
    expect(page.get_by_text("Copy it now")).to_be_visible()
    page.get_by_label("Current password").fill("wrong")
    page.get_by_label("New password").fill("a whole new password")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_role("alert")).to_be_visible()
    check()


def test_sign_in_works_with_the_keyboard_alone(page):
    page.goto("/")
    page.get_by_label("E-mail").focus()
    page.keyboard.type(ANN)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(heading(page, "Configure")).to_be_visible()


@pytest.mark.parametrize("width", [320, 1440])
def test_account_is_deleted_with_its_run_jobs_and_companies(visitor, installation, width):
    page = visitor(viewport={"width": width, "height": 800}).new_page()
    page.goto("/ingest/preview")
    fill_in(page)
    press_start(page)
    expect(page.get_by_role("button", name="Abort")).to_be_visible()
    installation.sql(
        "INSERT INTO jobs (user_id, run_id, company, external_id, url, status, title)"
        " SELECT user_id, 1, 'greenhouse:acme', '1', 'https://example.org/1', 'ready', 'Pilot' FROM users"
    )
    page.goto("/account")
    page.get_by_role("button", name="Delete account …").click()
    dialog = page.get_by_role("dialog", name=f"Delete the account {ANN}?")
    expect(dialog.get_by_label("Your password")).to_be_focused()
    check(page, "question before the deletion")
    dialog.get_by_label("Your password").fill("wrong")
    dialog.get_by_role("button", name="Delete for good").click()
    expect(dialog.get_by_label("Your password")).to_have_attribute("aria-invalid", "true")
    check(page, "wrong password")
    dialog.get_by_role("button", name="Keep my account").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Delete account …").click()
    dialog.get_by_label("Your password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(heading(page, "Sign in")).to_be_visible()
    for table in ("users", "companies", "jobs"):
        assert installation.sql(f"SELECT DISTINCT email FROM users NATURAL JOIN (SELECT user_id FROM {table}) t") == [(BOB,)], table
    assert installation.sql("SELECT count(*) FROM ingestion_runs") == [(0,)]
    fill_in(page)
    expect(page.get_by_role("alert")).to_have_text("The e-mail address or the password is wrong.")
