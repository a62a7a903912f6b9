"""Lists of jobs: their states, filters and orders, and their pages while runs bring more."""

import pytest

from app.services.companies import companies
from app.services.jobs import queries
from app.services.jobs.errors import JobNotFound
from app.sources.title_filter import Rule, RuleKind
from tests.support.factories import make_run, sql
from tests.support.listings import close, miss, offer
from tests.support.previews import company
from tests.support.run_units import add_event, add_job, other_user


def ids(user_id: int | None, limit: int = 100, **options) -> list[int]:
    """Turn all pages, and return the ids in their order."""
    found, after = [], None
    while True:
        page, after = queries.page(user_id, after=after, limit=limit, **options)
        found += [job.id for job in page]
        if after is None:
            return found


def disable(company_id: int) -> None:
    sql("UPDATE companies SET enabled = false WHERE company_id = :id", id=company_id)


def test_state_tells_runs_and_boards_apart(user_id):
    company(user_id, "acme")
    open_one = add_job(user_id, posting_id=offer("acme", "A"))
    missing, closed, gone = (offer("acme", title) for title in "BCD")
    miss(missing)
    close(closed)
    close(gone)
    expected = {
        open_one: "open",
        add_job(user_id, posting_id=missing): "missing",
        add_job(user_id, posting_id=closed): "missing",
        add_job(user_id, posting_id=gone, status="expired", expired_at="2026-01-01"): "gone",
        add_job(user_id, posting_id=missing, board="other"): "unfollowed",
        add_job(user_id, board="other", status="expired"): "gone",
        add_job(user_id): "open",
        add_job(user_id, board_id=None): "unfollowed",
    }
    page, _ = queries.page(user_id)
    assert {job.id: job.state for job in page} == expected
    since = {job.id: job.missing_since for job in page}
    assert (since[open_one], bool(since[open_one + 1])) == (None, True)
    for state in set(expected.values()):
        assert ids(user_id, 1, state=state) == [job for job in reversed(expected) if expected[job] == state]


def test_state_follows_the_users_own_company(user_id):
    other = other_user()
    disable(company(user_id, "acme"))
    company(other, "acme")
    mine, theirs = add_job(user_id), add_job(other)
    assert [(job.id, job.state) for job in queries.page(user_id)[0]] == [(mine, "unfollowed")]
    assert [(job.id, job.state) for job in queries.page(other)[0]] == [(theirs, "open")]
    assert ids(None) == [theirs, mine]


def test_name_is_the_present_one_while_the_user_has_the_company(user_id):
    company_id = company(user_id, "acme", name="Mine")
    company(other_user(), "acme", name="Theirs")
    add_job(user_id, company_name="Old")
    assert queries.page(user_id)[0][0].company_name == "Mine"
    disable(company_id)
    assert queries.page(user_id)[0][0].company_name == "Mine"
    companies.remove(company_id, user_id)
    assert queries.page(user_id)[0][0].company_name == "Old"


def test_jobs_are_filtered_by_company_source_and_run(user_id):
    run, other_run = make_run("finished", user_id), make_run("finished", user_id)
    first, second = add_job(user_id), add_job(user_id, board="beta", source="lever")
    theirs = add_job(other_user())
    for job in (first, second, theirs):
        add_event(job, run)
    add_event(first, other_run)
    add_event(first, other_run, "changed")
    assert ids(user_id, company="greenhouse:beta") == [second]
    assert ids(user_id, source="greenhouse") == [first]
    assert ids(user_id, 1, run=run) == [second, first]
    assert ids(user_id, run=other_run) == [first]
    assert ids(user_id, run=run, source="lever", company="greenhouse:acme") == []


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("engineer", [3, 0]),
        ("SENIOR engineer", [0]),
        ("engineer  senior", [0]),
        ("ingenieur", [1]),
        ("INGE\u0301NIEUR", [1]),
        ("groß", [2]),
        ("größe", [2]),
        ("inženýr", [4]),
        ("ИНЖЕНЕР", [5]),
        ("инженер", [5]),
        ("gineer", [3, 0]),
        ("100%", [3]),
        ("_", []),
        ("cook", []),
    ],
)
def test_search_finds_all_words_in_any_case_with_any_accents(user_id, q, found):
    titles = ["Senior Engineer", "Ingénieur", "Größe (m/w/d)", "Engineer 100% remote", "Inzenyr", "Инженер", None]
    made = [add_job(user_id, title) for title in titles]
    assert ids(user_id, q=q) == [made[number] for number in found]


ORDERS = {
    "newest": [5, 4, 3, 2, 1, 0],
    "oldest": [0, 1, 2, 3, 4, 5],
    "title": [5, 4, 1, 3, 2, 0],
    "company": [5, 3, 1, 4, 2, 0],
}


@pytest.fixture
def jobs(user_id) -> list[int]:
    """Jobs of two companies, with equal titles among them, and those of another user on the same boards."""
    for user in (user_id, other_user()):
        company(user, "acme", name="älpha")
        company(user, "beta", name="Zed")
    titles = ["zebra", "Éclair", "eclair z", "eclaír Z", "Apple", None]
    boards = ["beta", "acme", "beta", "acme", "beta", "acme"]
    made = []
    for title, board in zip(titles, boards, strict=True):
        made.append(add_job(user_id, title, board))
        add_job(other_user(), title, board)
    return made


@pytest.mark.parametrize("limit", [1, 2, 4, 6])
@pytest.mark.parametrize("sort", ORDERS)
def test_each_order_is_paged_without_loss(jobs, user_id, sort, limit):
    assert ids(user_id, limit, sort=sort) == [jobs[number] for number in ORDERS[sort]]


@pytest.mark.parametrize("sort", ORDERS)
def test_pages_stay_whole_while_new_jobs_arrive(jobs, user_id, sort):
    found, after = [], None
    while True:
        page, after = queries.page(user_id, sort=sort, after=after, limit=2)
        found += [job.id for job in page]
        if after is None or len(found) > 50:
            break
        if len(found) < 8:
            add_job(user_id, "Apple")
            add_job(user_id, "zz", "beta")
    assert len(set(found)) == len(found)
    assert [job for job in found if job in jobs] == [jobs[number] for number in ORDERS[sort]]


def test_very_long_titles_are_paged_too(user_id):
    made = [add_job(user_id, "é" * 5000 + str(number)) for number in range(3)]
    assert ids(user_id, 1, sort="title") == made[::-1]


def test_job_has_the_decision_of_the_present_filters(user_id):
    company_id = company(user_id, "acme", include=("engineer",))
    job_id, untitled, unfollowed = add_job(user_id), add_job(user_id, None), add_job(user_id, board="beta")
    assert queries.get(job_id, user_id)[1] == Rule(RuleKind.INCLUDE, "engineer")
    companies.change(company_id, user_id, {"include": [], "exclude": ["Engineer"]})
    assert queries.get(job_id, user_id)[1] == Rule(RuleKind.EXCLUDE, "Engineer")
    assert [queries.get(each, user_id)[1] for each in (untitled, unfollowed)] == [None, None]


def test_history_has_the_newest_change_last(user_id):
    run = make_run("finished", user_id)
    job_id, other = add_job(user_id), add_job(user_id)
    made = [add_event(job_id, run, kind) for kind in ("new", "changed", "reopened")]
    add_event(other, run)
    assert [event.event_id for event in queries.history(job_id)] == made


def test_job_of_another_user_is_not_found(user_id):
    job_id = add_job(other_user())
    assert queries.get(job_id)[0].id == job_id
    for wanted in (job_id, 404):
        with pytest.raises(JobNotFound):
            queries.get(wanted, user_id)
