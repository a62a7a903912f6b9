"""The work on a preview: what can be done without reading a board, however many messages come."""

import pytest

from app.errors import DatabaseUnavailable
from app.services.previews import completion, outbox, work
from tests.support import previews as at
from tests.support.factories import make_user, open_transaction, sql
from tests.support.listings import fail_board, list_board
from tests.support.parallel import in_parallel
from tests.support.previews import begin_preview, company, postings, units, work_on


class Messages:
    """The messages that the work publishes."""

    def __init__(self) -> None:
        self.woken: list[tuple[int, int]] = []
        self.republished: list[int] = []

    def work(self, preview_id: int, **options) -> None:
        """Work on a preview."""
        work.work(preview_id, lambda *waits: self.woken.append(waits), self.republished.append, **options)


@pytest.fixture
def messages() -> Messages:
    return Messages()


def test_preview_of_boards_with_listings_is_finished_at_once(user_id, messages):
    for board in ("acme", "beta", "gamma"):
        company(user_id, board)
    list_board("acme", ["Engineer"])
    list_board("beta")
    fail_board("gamma")
    preview_id = begin_preview(user_id)
    messages.work(preview_id)
    assert at.preview(preview_id).finished_at
    assert [(unit.state, unit.outcome) for unit in units(preview_id)] == [
        ("listed", "ok"), ("listed", "empty"), ("failed", "not_found")
    ]
    assert (messages.woken, messages.republished) == ([], [])


def test_work_wakes_no_reader_while_one_reads_a_board_of_the_preview(user_id, messages):
    for board in ("acme", "beta"):
        company(user_id, board)
    preview_id = begin_preview(user_id)
    lease = "UPDATE boards SET lease_id = gen_random_uuid(), lease_until = clock_now() + interval '{}'"
    sql(lease.format("30 s"))
    messages.work(preview_id)
    assert messages.woken == []
    sql(lease.format("-1 s"))
    messages.work(preview_id)
    assert messages.woken == [(preview_id, 2)]


def test_work_wakes_readers_for_the_boards_that_are_left(user_id, messages):
    for board in ("acme", "beta", "gamma"):
        company(user_id, board)
    list_board("beta", ["Engineer"])
    preview_id = begin_preview(user_id)
    messages.work(preview_id)
    assert messages.woken == [(preview_id, 2)]
    assert [unit.state for unit in units(preview_id)] == ["waiting", "listed", "waiting"]
    assert at.preview(preview_id).finished_at is None
    list_board("acme")
    messages.work(preview_id)
    list_board("gamma")
    messages.work(preview_id)
    assert messages.woken == [(preview_id, 2), (preview_id, 1)]
    assert at.preview(preview_id).finished_at


@pytest.mark.parametrize("column", ["deadline_at", "finished_at"])
def test_work_wakes_nobody_for_a_preview_that_is_over(user_id, messages, column):
    company(user_id, "acme")
    preview_id = begin_preview(user_id)
    sql(f"UPDATE previews SET {column} = now() - interval '1 s'")
    messages.work(preview_id)
    messages.work(404)
    assert messages.woken == []


def test_message_that_comes_again_changes_nothing(app, user_id, messages):
    company(user_id, "acme")
    company(user_id, "beta")
    list_board("acme", ["Engineer", "Cook"])
    fail_board("beta")
    preview_id = begin_preview(user_id)
    in_parallel(app, *[lambda: messages.work(preview_id)] * 4)
    before = (units(preview_id), postings(preview_id), at.preview(preview_id))
    assert before[2].finished_at
    messages.work(preview_id)
    assert (units(preview_id), postings(preview_id), at.preview(preview_id)) == before


@pytest.mark.parametrize("options", [{"stopping": lambda: True}, {"seconds": 0}], ids=["stopping", "slice"])
def test_work_that_is_over_is_left_to_another_message(user_id, messages, options):
    company(user_id, "acme")
    company(user_id, "beta")
    list_board("acme", ["Engineer"])
    preview_id = begin_preview(user_id)
    messages.work(preview_id, **options)
    assert [unit.state for unit in units(preview_id)] == ["read", "waiting"]
    assert (messages.republished, messages.woken) == ([preview_id], [(preview_id, 1)])
    messages.work(preview_id)
    assert [unit.state for unit in units(preview_id)] == ["listed", "waiting"]


def test_work_goes_on_after_the_database_was_unavailable(user_id, messages):
    company(user_id, "acme")
    list_board("acme", ["Engineer"])
    preview_id = begin_preview(user_id)
    sql("ALTER TABLE preview_postings RENAME TO elsewhere")
    try:
        with pytest.raises(DatabaseUnavailable):
            messages.work(preview_id)
    finally:
        sql("ALTER TABLE elsewhere RENAME TO preview_postings")
    assert [unit.state for unit in units(preview_id)] == ["read"]
    messages.work(preview_id)
    assert [unit.state for unit in units(preview_id)] == ["listed"]


def test_ten_users_of_one_board_are_answered_by_one_listing(user_id):
    users = [user_id, *[make_user(f"u{number}@example.org") for number in range(9)]]
    for number, user in enumerate(users):
        company(user, "acme", include=(("cook",), ("engineer",))[number % 2])
    list_board("acme", ["Engineer", "Cook", "Cook"])
    previews = [begin_preview(user) for user in users]
    for preview_id in previews:
        work_on(preview_id)
    assert [[(unit.found, unit.matched) for unit in units(each)] for each in previews] == [[(3, 2)], [(3, 1)]] * 5


def test_close_overdue_fails_what_is_left_at_the_deadline(user_id):
    for board in ("acme", "beta", "gamma"):
        company(user_id, board)
    list_board("acme", ["Engineer"])
    preview_id = begin_preview(user_id)
    work_on(preview_id)
    list_board("beta", ["Engineer"])
    work.answers.answer_preview(preview_id)
    assert completion.close_overdue() == 0
    assert [unit.state for unit in units(preview_id)] == ["listed", "read", "waiting"]
    sql("UPDATE previews SET deadline_at = now() - interval '1 s'")
    assert completion.close_overdue() == 1
    acme, *others = units(preview_id)
    assert acme.state == "listed"
    assert {(unit.state, unit.outcome, unit.detail, unit.found) for unit in others} == {
        ("failed", "out_of_time", completion.OUT_OF_TIME, None)
    }
    assert {each.position for each in postings(preview_id)} == {1}
    assert at.preview(preview_id).finished_at


def test_close_overdue_skips_a_company_that_is_being_stored(user_id):
    for board in ("acme", "beta"):
        company(user_id, board)
    preview_id = begin_preview(user_id)
    sql("UPDATE previews SET deadline_at = now() - interval '1 s'")
    with open_transaction("SELECT * FROM preview_companies WHERE position = 1 FOR UPDATE"):
        assert completion.close_overdue() == 0
        assert [unit.state for unit in units(preview_id)] == ["waiting", "failed"]
    assert completion.close_overdue() == 1


def test_close_overdue_leaves_the_companies_of_others(user_id):
    other = make_user("other@example.org")
    for each in (user_id, other):
        company(each, "acme")
    late, theirs = begin_preview(user_id), begin_preview(other)
    sql("UPDATE previews SET deadline_at = now() - interval '1 s' WHERE preview_id = :id", id=late)
    assert completion.close_overdue() == 1
    assert [unit.state for unit in units(theirs)] == ["waiting"]
    assert at.preview(theirs).finished_at is None


def test_preview_whose_last_message_was_lost_is_published_again(user_id):
    company(user_id, "acme")
    preview_id = begin_preview(user_id)
    work.answers.answer_listing(list_board("acme", ["Engineer"]))
    assert outbox.claim_due() == []
    sql("UPDATE previews SET next_dispatch_at = now() - interval '1 s'")
    assert outbox.claim_due() == [preview_id]
    assert outbox.claim_due() == []
    work_on(preview_id)
    assert at.preview(preview_id).finished_at
    sql("UPDATE previews SET next_dispatch_at = now() - interval '1 s'")
    assert outbox.claim_due() == []


def test_preview_whose_last_company_failed_is_finished_without_a_message(user_id):
    company(user_id, "acme")
    preview_id = begin_preview(user_id)
    work.answers.answer_listing(fail_board("acme"))
    assert at.preview(preview_id).finished_at is None
    assert completion.close_overdue() == 1
    assert at.preview(preview_id).finished_at
