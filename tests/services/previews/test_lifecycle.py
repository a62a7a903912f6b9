"""The life of a preview, and runs that start from one, with the races of two tabs."""

import pytest
from sqlalchemy.exc import IntegrityError

from app.errors import Unauthenticated
from app.models import ListingState, Outcome
from app.services.companies import companies
from app.services.previews import completion, leases, lifecycle, posting_batches
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
from tests.support.previews import begin_preview, company, postings, preview, units
from tests.support.starts import start_run


def offered(external_id: str, title: str, **more) -> dict:
    """Return a posting with its decision, as ``store_postings`` expects it."""
    optional = ("location", "department", "workplace", "employment_type", "description", "requirements")
    defaults = dict.fromkeys((*optional, "posted_at", "updated_at", "rule_term"))
    decided = {"taken": True, "rule_kind": "no_filter"}
    return {**defaults, **decided, "external_id": external_id, "title": title, "url": "https://example.org", **more}


def store(preview_id: int, *postings: dict) -> None:
    """Claim the next company of a preview and store these postings as its listing."""
    unit = leases.claim_company(preview_id)
    posting_batches.store_postings(unit, [*postings])
    assert results.store_listing(unit, ListingResult(True, 0, Validators()))
    completion.finish_if_done(preview_id)


def finish_with_empty_listings(user_id: int) -> int:
    """Start a preview and finish it with empty listings; return its id."""
    preview_id = begin_preview(user_id)
    while preview(preview_id).finished_at is None:
        store(preview_id)
    return preview_id


def test_begin_takes_a_snapshot_of_the_enabled_companies(user_id):
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


@pytest.mark.parametrize("has_disabled", [True, False])
def test_begin_without_enabled_companies_is_refused(user_id, has_disabled):
    if has_disabled:
        company(user_id, "acme", enabled=False)
    with pytest.raises(NoCompanies):
        lifecycle.begin(user_id)
    assert lifecycle.latest(user_id) is None


def test_begin_without_companies_leaves_the_unfinished_preview(user_id):
    company_id = company(user_id, "acme")
    preview_id = begin_preview(user_id)
    companies.remove(company_id, user_id)
    with pytest.raises(NoCompanies):
        lifecycle.begin(user_id)
    assert lifecycle.latest(user_id) == preview_id


def test_begin_for_a_removed_user_is_refused(app, user_id):
    with pytest.raises((Unauthenticated, NoCompanies)):
        lifecycle.begin(987_654)


def test_begin_with_the_same_settings_returns_the_unfinished_one(user_id):
    company(user_id, "acme")
    preview_id = begin_preview(user_id)
    assert lifecycle.begin(user_id) == (preview_id, False)
    store(preview_id)
    assert lifecycle.begin(user_id) == (preview_id + 1, True)


def test_begin_with_other_settings_removes_the_unfinished_one(user_id):
    company_id = company(user_id, "acme")
    first = begin_preview(user_id)
    companies.change(company_id, user_id, {"include": ["engineer"]})
    second, is_new = lifecycle.begin(user_id)
    assert is_new
    assert [each.preview_id for each in sql("SELECT preview_id FROM previews")] == [second]
    with pytest.raises(PreviewNotFound):
        lifecycle.get(first, user_id)


def test_begin_in_parallel_makes_one_preview(app, user_id):
    company_id = company(user_id, "acme")
    for number in range(10):
        outcomes = in_parallel(app, *[lambda: lifecycle.begin(user_id)] * 8)
        assert sorted(is_new for _, is_new in outcomes) == [False] * 7 + [True]
        assert len({preview_id for preview_id, _ in outcomes}) == 1
        # In the next round an unfinished preview of other settings must be removed first.
        companies.change(company_id, user_id, {"include": [f"term {number}"]})


def test_begin_against_a_change_takes_the_old_or_the_new_settings(app, user_id):
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


def test_begin_prunes_all_but_the_latest_and_those_of_active_runs(user_id):
    company(user_id, "acme")
    first, second, third = [finish_with_empty_listings(user_id) for _ in range(3)]
    assert [each.preview_id for each in sql("SELECT preview_id FROM previews ORDER BY 1")] == [second, third]
    run_id = start_run(user_id, second)
    fourth = finish_with_empty_listings(user_id)
    fifth = begin_preview(user_id)
    assert [each.preview_id for each in sql("SELECT preview_id FROM previews ORDER BY 1")] == [second, fourth, fifth]
    transitions.abort(run_id)
    store(fifth)
    begin_preview(user_id)
    assert row(run_id).preview_id is None
    assert first < second


def test_begin_leaves_the_previews_of_other_users(user_id):
    other = make_user("other@example.org")
    for each in (user_id, other):
        company(each, "acme")
    theirs = [finish_with_empty_listings(other), begin_preview(other)]
    finish_with_empty_listings(user_id)
    finish_with_empty_listings(user_id)
    assert [each.preview_id for each in sql("SELECT preview_id FROM previews WHERE user_id = :id ORDER BY 1", id=other)
            ] == theirs


def test_get_returns_companies_and_totals(user_id):
    company(user_id, "acme", include=("engineer",))
    company(user_id, "beta")
    company(user_id, "gamma")
    preview_id = begin_preview(user_id)
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


def test_start_from_a_finished_preview_stores_its_id(user_id):
    company(user_id, "acme")
    preview_id = finish_with_empty_listings(user_id)
    run_id = start_run(user_id, preview_id)
    assert row(run_id).preview_id == preview_id
    assert queries.get(run_id, user_id).preview_id == preview_id


def test_start_refuses_an_unfinished_outdated_or_missing_preview(user_id):
    company_id = company(user_id, "acme")
    preview_id = begin_preview(user_id)
    with pytest.raises(PreviewUnfinished):
        start_run(user_id, preview_id)
    store(preview_id)
    companies.change(company_id, user_id, {"enabled": False})
    with pytest.raises(PreviewOutdated):
        start_run(user_id, preview_id)
    other = make_user("other@example.org")
    company(other, "acme")
    for missing in (finish_with_empty_listings(other), 404):
        with pytest.raises(PreviewNotFound) as refusal:
            start_run(user_id, missing)
        assert refusal.value.detail == f"There is no preview {missing}."
    assert sql("SELECT 1 FROM ingestion_runs") == []
    companies.change(company_id, user_id, {"enabled": True})
    assert start_run(user_id, preview_id)


def test_start_names_an_active_run_before_it_checks_the_preview(user_id):
    company(user_id, "acme")
    active = start_run(user_id)
    for preview_id in (begin_preview(user_id), 404):
        with pytest.raises(RunActive) as refusal:
            start_run(user_id, preview_id)
        assert refusal.value.run_id == active


def test_start_against_a_change_of_settings_starts_or_is_refused(app, user_id):
    """In either order, a run exists only if its preview was current when the run started."""
    company_id = company(user_id, "acme")
    for number in range(12):
        preview_id = finish_with_empty_listings(user_id)
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


def test_start_in_parallel_from_one_preview_has_one_winner(app, user_id):
    company(user_id, "acme")
    preview_id = finish_with_empty_listings(user_id)
    outcomes = in_parallel(app, *[lambda: start_run(user_id, preview_id)] * 8)
    [winner] = [outcome for outcome in outcomes if isinstance(outcome, int)]
    assert {outcome.run_id for outcome in outcomes if isinstance(outcome, RunActive)} == {winner}


def test_start_against_the_removal_of_its_preview_is_sound(app, user_id):
    company(user_id, "acme")
    for _ in range(10):
        preview_id = finish_with_empty_listings(user_id)
        started, _ = in_parallel(
            app,
            lambda: start_run(user_id, preview_id),
            lambda: sql("DELETE FROM previews WHERE preview_id = :id", id=preview_id),
        )
        assert isinstance(started, (int, PreviewNotFound))
        if isinstance(started, int):
            assert row(started).preview_id is None
            transitions.abort(started)


def test_page_by_page_returns_all_postings_once(user_id):
    company(user_id, "acme")
    company(user_id, "beta")
    preview_id = begin_preview(user_id)
    store(preview_id, *[offered(str(number), f"Job {number}") for number in range(5)])
    store(preview_id, *[offered(str(number), f"Job {number}") for number in range(2)])
    paged, after = [], 0
    while after is not None:
        page, after = postings_service.page(preview_id, user_id, after=after, limit=3)
        paged += [found.posting_id for found in page]
    assert paged == [found.posting_id for found in postings(preview_id)]
    assert len(paged) == 7
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
def test_search_finds_parts_in_any_case_and_escapes_wildcards(user_id, search, titles):
    company(user_id, "acme")
    preview_id = begin_preview(user_id)
    store(
        preview_id,
        offered("1", "Ärztin Engineer"),
        offered("2", "100% Cook_Chef", location="Berlin", taken=False, rule_kind="not_included"),
        offered("3", "Other/Thing", department="Research"),
    )
    assert [found.title for found in postings_service.page(preview_id, user_id, search=search)[0]] == titles
    not_matched = [found.title for found in postings_service.page(preview_id, user_id, search=search, taken=False)[0]]
    assert not_matched == [title for title in titles if title == "100% Cook_Chef"]


def test_get_posting_returns_texts_within_its_preview_only(user_id):
    company(user_id, "acme")
    preview_id = begin_preview(user_id)
    store(preview_id, offered("1", "Engineer", description="Build.", requirements="Hands."))
    [posting] = postings(preview_id)
    found = postings_service.get(preview_id, posting.posting_id, user_id)
    assert (found.description, found.requirements, found.company) == ("Build.", "Hands.", "Acme")
    newer = begin_preview(user_id)
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
def test_checks_refuse_impossible_states_of_a_company(user_id, change):
    company(user_id, "acme")
    preview_id = begin_preview(user_id)
    with pytest.raises(IntegrityError):
        sql(f"UPDATE preview_companies SET {change} WHERE preview_id = {preview_id}")


@pytest.mark.parametrize(
    ("constraint", "enum"),
    [
        ("ck_preview_companies_state", ListingState),
        ("ck_preview_companies_outcome", Outcome),
        ("ck_companies_outcome", Outcome),
    ],
)
def test_checks_allow_exactly_the_values_of_the_enums(app, constraint, enum):
    [check] = sql("SELECT pg_get_constraintdef(oid) AS text FROM pg_constraint WHERE conname = :name", name=constraint)
    assert set(check.text.split("'")[1::2]) == set(enum)
