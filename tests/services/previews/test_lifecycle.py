"""The life of a preview and of a run that starts from one, with every race that two tabs can make."""

import pytest
from sqlalchemy.exc import IntegrityError

from app.errors import Unauthenticated
from app.models import ListingState, Outcome
from app.services.companies import companies
from app.services.previews import completion, leases, lifecycle
from app.services.previews import postings as postings_service
from app.services.previews import results
from app.services.previews.errors import (
    NoCompanies,
    PostingNotFound,
    PreviewNotFound,
    PreviewOutdated,
    PreviewUnfinished,
)
from app.services.previews.results import ListingResult
from app.services.runs import queries, transitions
from app.services.runs.errors import RunActive
from app.sources.types import Validators
from tests.support.factories import make_user, row, sql
from tests.support.parallel import in_parallel
from tests.support.previews import begun, company, postings, preview, units
from tests.support.starts import start_run


def offered(external_id: str, title: str, **more) -> dict:
    """A posting as it is stored."""
    empty = dict.fromkeys(("location", "department", "workplace", "employment_type", "description", "requirements",
                           "posted_at", "updated_at", "rule_term"))
    decided = {"taken": True, "rule_kind": "no_filter"}
    return {**empty, **decided, "external_id": external_id, "title": title, "url": "https://example.org", **more}


def store(preview_id: int, *found: dict) -> None:
    """List the next company of a preview, with these postings."""
    unit = leases.claim_company(preview_id)
    assert results.store_listing(unit, ListingResult([*found], True, 0, Validators()))
    completion.finish_if_done(preview_id)


def done(user_id: int) -> int:
    """A finished preview of one company that offers nothing."""
    preview_id = begun(user_id)
    while preview(preview_id).finished_at is None:
        store(preview_id)
    return preview_id


def test_a_preview_is_begun_from_a_snapshot_of_what_is_switched_on(user_id):
    beta = company(user_id, "beta", include=("a",), exclude=("b", "c"))
    alpha = company(user_id, "alpha")
    company(user_id, "gamma", enabled=False)
    company(make_user("other@example.org"), "delta")
    preview_id, is_new = lifecycle.begin(user_id)
    assert is_new
    assert [(unit.position, unit.company_id, unit.board, unit.name) for unit in units(preview_id)] == [
        (1, alpha, "alpha", "Alpha"), (2, beta, "beta", "Beta")
    ]
    assert (units(preview_id)[1].include, units(preview_id)[1].exclude) == (["a"], ["b", "c"])
    companies.change(beta, user_id, {"name": "Other", "include": []})
    assert units(preview_id)[1].name == "Beta"
    found = preview(preview_id)
    assert (found.deadline_at - found.created_at).total_seconds() == pytest.approx(900 + 2 * 2, abs=1)
    assert (found.next_dispatch_at - found.created_at).total_seconds() == pytest.approx(5, abs=1)
    assert (found.finished_at, found.dispatched_at) == (None, None)


@pytest.mark.parametrize("is_there", [True, False])
def test_without_a_company_that_is_switched_on_there_is_nothing_to_preview(user_id, is_there):
    if is_there:
        company(user_id, "acme", enabled=False)
    with pytest.raises(NoCompanies):
        lifecycle.begin(user_id)
    assert lifecycle.latest(user_id) is None


def test_without_companies_the_unfinished_preview_stays(user_id):
    company_id = company(user_id, "acme")
    preview_id = begun(user_id)
    companies.remove(company_id, user_id)
    with pytest.raises(NoCompanies):
        lifecycle.begin(user_id)
    assert lifecycle.latest(user_id) == preview_id


def test_a_user_who_is_gone_begins_nothing(app, user_id):
    with pytest.raises((Unauthenticated, NoCompanies)):
        lifecycle.begin(987_654)


def test_with_the_same_settings_the_preview_under_way_is_the_answer(user_id):
    company(user_id, "acme")
    preview_id = begun(user_id)
    assert lifecycle.begin(user_id) == (preview_id, False)
    store(preview_id)
    assert lifecycle.begin(user_id) == (preview_id + 1, True)


def test_with_other_settings_the_preview_under_way_is_removed(user_id):
    company_id = company(user_id, "acme")
    first = begun(user_id)
    companies.change(company_id, user_id, {"include": ["engineer"]})
    second, is_new = lifecycle.begin(user_id)
    assert is_new
    assert [each.preview_id for each in sql("SELECT preview_id FROM previews")] == [second]
    with pytest.raises(PreviewNotFound):
        lifecycle.get(first, user_id)


def test_of_parallel_beginnings_one_is_new_and_the_others_are_told_its_id(app, user_id):
    company_id = company(user_id, "acme")
    for number in range(10):
        outcomes = in_parallel(app, *[lambda: lifecycle.begin(user_id)] * 8)
        assert sorted(is_new for _, is_new in outcomes) == [False] * 7 + [True]
        assert len({preview_id for preview_id, _ in outcomes}) == 1
        # Next time each of them has one with other settings in its way.
        companies.change(company_id, user_id, {"include": [f"term {number}"]})


def test_a_beginning_against_a_change_is_of_the_settings_before_or_after_and_says_so(app, user_id):
    company_id = company(user_id, "acme")
    for number in range(10):
        changes = {"include": [f"term {number}"]}
        before = companies.get(company_id, user_id).include
        (preview_id, _), _ = in_parallel(
            app, lambda: lifecycle.begin(user_id), lambda: companies.change(company_id, user_id, changes)
        )
        [unit] = units(preview_id)
        assert unit.include in (before, changes["include"])
        assert lifecycle.get(preview_id, user_id)["is_current"] is (unit.include == changes["include"])


def test_a_new_preview_takes_away_the_old_ones_but_for_the_latest_and_those_of_active_runs(user_id):
    company(user_id, "acme")
    first, second, third = done(user_id), done(user_id), done(user_id)
    assert [each.preview_id for each in sql("SELECT preview_id FROM previews ORDER BY 1")] == [second, third]
    run_id = start_run(user_id, second)
    fourth = done(user_id)
    fifth = begun(user_id)
    assert [each.preview_id for each in sql("SELECT preview_id FROM previews ORDER BY 1")] == [second, fourth, fifth]
    transitions.abort(run_id)
    store(fifth)
    begun(user_id)
    assert row(run_id).preview_id is None
    assert first < second


def test_a_users_preview_leaves_another_users_alone(user_id):
    other = make_user("other@example.org")
    for each in (user_id, other):
        company(each, "acme")
    theirs = [done(other), begun(other)]
    done(user_id)
    done(user_id)
    assert [each.preview_id for each in sql("SELECT preview_id FROM previews WHERE user_id = :id ORDER BY 1", id=other)
            ] == theirs


def test_a_preview_in_full(user_id):
    company(user_id, "acme", include=("engineer",))
    company(user_id, "beta")
    company(user_id, "gamma")
    preview_id = begun(user_id)
    store(preview_id, offered("1", "Engineer"), offered("2", "Cook", taken=False, rule_kind="not_included"))
    unit = leases.claim_company(preview_id)
    results.store_failure(unit, Outcome.GONE, "It is gone.")
    found = lifecycle.get(preview_id, user_id)
    assert found["totals"] == {"companies": 3, "listed": 1, "failed": 1, "waiting": 1, "found": 2, "taken": 1}
    assert (found["is_finished"], found["is_current"], found["finished_at"]) == (False, True, None)
    assert found["server_time"] >= found["created_at"]
    assert [each.state for each in found["companies"]] == [
        ListingState.LISTED, ListingState.FAILED, ListingState.WAITING
    ]
    store(preview_id)
    assert lifecycle.get(preview_id, user_id)["is_finished"] is True


def test_a_run_starts_from_a_finished_preview_and_names_it(user_id):
    company(user_id, "acme")
    preview_id = done(user_id)
    run_id = start_run(user_id, preview_id)
    assert row(run_id).preview_id == preview_id
    assert queries.get(run_id, user_id).preview_id == preview_id


def test_no_run_starts_from_a_preview_that_is_unfinished_outdated_anothers_or_none(user_id):
    company_id = company(user_id, "acme")
    preview_id = begun(user_id)
    with pytest.raises(PreviewUnfinished):
        start_run(user_id, preview_id)
    store(preview_id)
    companies.change(company_id, user_id, {"enabled": False})
    with pytest.raises(PreviewOutdated):
        start_run(user_id, preview_id)
    other = make_user("other@example.org")
    company(other, "acme")
    for nobodys in (done(other), 404):
        with pytest.raises(PreviewNotFound) as refusal:
            start_run(user_id, nobodys)
        assert refusal.value.detail == f"There is no preview {nobodys}."
    assert sql("SELECT 1 FROM ingestion_runs") == []
    companies.change(company_id, user_id, {"enabled": True})
    assert start_run(user_id, preview_id)


def test_an_active_run_is_told_before_anything_about_the_preview(user_id):
    company(user_id, "acme")
    active = start_run(user_id)
    for preview_id in (begun(user_id), 404):
        with pytest.raises(RunActive) as refusal:
            start_run(user_id, preview_id)
        assert refusal.value.run_id == active


def test_a_start_against_a_change_of_settings_starts_what_was_seen_or_nothing(app, user_id):
    """Whatever the order, the timeline of both is one in which the run that exists was started from true settings."""
    company_id = company(user_id, "acme")
    for number in range(12):
        preview_id = done(user_id)
        changes = {"include": [f"term {number}"]}
        started, changed = in_parallel(
            app, lambda: start_run(user_id, preview_id), lambda: companies.change(company_id, user_id, changes)
        )
        assert changed.include == changes["include"]
        if isinstance(started, PreviewOutdated):
            assert queries.current(user_id) is None
        else:
            assert queries.current(user_id) == started
            transitions.abort(started)


def test_of_parallel_starts_from_one_preview_one_wins(app, user_id):
    company(user_id, "acme")
    preview_id = done(user_id)
    outcomes = in_parallel(app, *[lambda: start_run(user_id, preview_id)] * 8)
    [winner] = [outcome for outcome in outcomes if isinstance(outcome, int)]
    assert {outcome.run_id for outcome in outcomes if isinstance(outcome, RunActive)} == {winner}


def test_a_start_against_the_removal_of_its_preview_is_refused_or_keeps_running(app, user_id):
    company(user_id, "acme")
    for _ in range(10):
        preview_id = done(user_id)
        started, _ = in_parallel(
            app,
            lambda: start_run(user_id, preview_id),
            lambda: sql("DELETE FROM previews WHERE preview_id = :id", id=preview_id),
        )
        assert isinstance(started, (int, PreviewNotFound))
        if isinstance(started, int):
            assert row(started).preview_id is None
            transitions.abort(started)


def test_pages_go_through_all_postings_once(user_id):
    company(user_id, "acme")
    company(user_id, "beta")
    preview_id = begun(user_id)
    store(preview_id, *[offered(str(number), f"Job {number}") for number in range(5)])
    store(preview_id, *[offered(str(number), f"Job {number}") for number in range(2)])
    seen, after = [], 0
    while after is not None:
        page, after = postings_service.page(preview_id, user_id, after=after, limit=3)
        seen += [found.posting_id for found in page]
    assert seen == [found.posting_id for found in postings(preview_id)]
    assert len(seen) == 7
    page, after = postings_service.page(preview_id, user_id, limit=7)
    assert (len(page), after) == (7, None)
    assert [found.company for found in postings_service.page(preview_id, user_id, company=2)[0]] == ["Beta"] * 2
    assert postings_service.page(preview_id, user_id, company=3) == ([], None)


@pytest.mark.parametrize(
    ("search", "titles"),
    [
        ("engineer", ["Ärztin Engineer"]),
        ("ENGIN", ["Ärztin Engineer"]),
        ("ärztin", ["Ärztin Engineer"]),
        ("berlin", ["100% Cook_Chef"]),
        ("research", ["Other/Thing"]),
        ("ACME", ["Ärztin Engineer", "100% Cook_Chef", "Other/Thing"]),
        ("100%", ["100% Cook_Chef"]),
        ("%", ["100% Cook_Chef"]),
        ("_", ["100% Cook_Chef"]),
        ("/", ["Other/Thing"]),
        ("\\", []),
        ("'; --", []),
    ],
)
def test_a_search_finds_a_part_whatever_its_case_and_takes_every_sign_for_itself(user_id, search, titles):
    company(user_id, "acme")
    preview_id = begun(user_id)
    store(
        preview_id,
        offered("1", "Ärztin Engineer"),
        offered("2", "100% Cook_Chef", location="Berlin", taken=False, rule_kind="not_included"),
        offered("3", "Other/Thing", department="Research"),
    )
    assert [found.title for found in postings_service.page(preview_id, user_id, search=search)[0]] == titles
    kept = [found.title for found in postings_service.page(preview_id, user_id, search=search, taken=False)[0]]
    assert kept == [title for title in titles if title == "100% Cook_Chef"]


def test_a_posting_has_its_texts_and_belongs_to_its_preview(user_id):
    company(user_id, "acme")
    preview_id = begun(user_id)
    store(preview_id, offered("1", "Engineer", description="Build.", requirements="Hands."))
    [posting] = postings(preview_id)
    found = postings_service.get(preview_id, posting.posting_id, user_id)
    assert (found.description, found.requirements, found.company) == ("Build.", "Hands.", "Acme")
    newer = begun(user_id)
    for ids, error in (((newer, posting.posting_id), PostingNotFound), ((404, posting.posting_id), PreviewNotFound)):
        with pytest.raises(error):
            postings_service.get(*ids, user_id)
    for call in (postings_service.page, lifecycle.get):
        with pytest.raises(PreviewNotFound):
            call(preview_id, make_user("other@example.org"))


@pytest.mark.parametrize(
    "change",
    ["state = 'odd'", "state = 'failed'", "outcome = 'ok'", "state = 'listing'", "lease_until = now()",
     "state = 'listed', outcome = 'odd', listed_at = now()"],
)
def test_the_database_refuses_a_company_that_cannot_be(user_id, change):
    company(user_id, "acme")
    preview_id = begun(user_id)
    with pytest.raises(IntegrityError):
        sql(f"UPDATE preview_companies SET {change} WHERE preview_id = {preview_id}")


@pytest.mark.parametrize(
    ("constraint", "words"),
    [
        ("ck_preview_companies_state", ListingState),
        ("ck_preview_companies_outcome", Outcome),
        ("ck_companies_outcome", Outcome),
    ],
)
def test_the_words_of_the_checks_are_the_words_of_the_enums(app, constraint, words):
    [check] = sql("SELECT pg_get_constraintdef(oid) AS text FROM pg_constraint WHERE conname = :name", name=constraint)
    assert {word for word in check.text.split("'")[1::2]} == set(words)
