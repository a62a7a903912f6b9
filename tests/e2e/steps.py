"""Steps that several tests share."""

from playwright.sync_api import Page, expect

from app.services.accounts.users import LOCAL_EMAIL
from tests.support.boards import Boards, job
from tests.support.product import Product
from tests.support.waiting import wait_until

TITLES = ("Software Engineer", "Internal Tools Engineer", "Engineering Intern")


def offer_acme(boards: Boards) -> None:
    """Put three postings on Acme's board at Greenhouse."""
    boards.greenhouse("acme", [job(number, title) for number, title in enumerate(TITLES, start=1)])


def choose_acme(product: Product, email: str = LOCAL_EMAIL) -> None:
    """Choose Acme for this user, without internships."""
    product.sql("INSERT INTO users (email) VALUES (%s) ON CONFLICT DO NOTHING", email)
    product.sql(
        "INSERT INTO companies (user_id, source, board, name, exclude)"
        " SELECT user_id, 'greenhouse', 'acme', 'Acme', '{intern}' FROM users WHERE email = %s",
        email,
    )


def go_offline(page: Page) -> None:
    """Cut the browser off from the server; return when the page's requests fail."""
    page.context.set_offline(True)
    fails = "fetch('/healthz').then(() => false, () => true)"
    wait_until(lambda: page.evaluate(fails), what="the end of the connection")


def press_start(page: Page) -> None:
    """Press Start, once the preview is finished, and confirm."""
    page.get_by_role("button", name="Start ingestion").click()
    page.get_by_role("dialog").get_by_role("button", name="Start collecting").click()


def start(page: Page) -> None:
    """Open the preview and start a run."""
    page.goto("/ingest/preview")
    press_start(page)
    expect(page.get_by_role("button", name="Abort")).to_be_visible()
