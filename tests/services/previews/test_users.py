"""Two users with equal settings, so equal hashes: nobody gets, removes, starts from or changes what is another's."""

import pytest

from app.services.previews import answers, completion, decisions, lifecycle, outbox
from app.services.previews import postings as postings_service
from app.services.previews import removal
from app.services.previews.errors import PreviewNotFound
from app.services.runs import queries
from tests.support.factories import make_user, sql
from tests.support.listings import fail_board, list_board
from tests.support.parallel import in_parallel
from tests.support.previews import begin_preview, company, finish_preview, postings, preview, units, work_on
from tests.support.starts import start_run


@pytest.fixture
def other_id(user_id):
    """A second user. Both have chosen the same boards with the same filters."""
    other = make_user("other@example.org")
    for each in (user_id, other):
        company(each, "acme", include=("engineer",))
        company(each, "beta")
    return other


def all_of(preview_id: int) -> tuple:
    """Return all that is stored of a preview."""
    return preview(preview_id), units(preview_id), postings(preview_id)


def previews_of(user_id: int) -> list[int]:
    rows = sql("SELECT preview_id FROM previews WHERE user_id = :id ORDER BY 1", id=user_id)
    return [row.preview_id for row in rows]


def test_settings_of_both_have_the_same_hash(user_id, other_id):
    hashes = {preview(begin_preview(each)).settings_hash for each in (user_id, other_id)}
    assert len(hashes) == 1


@pytest.mark.parametrize("refresh", [False, True])
@pytest.mark.parametrize("theirs_is_refresh", [False, True])
def test_begin_neither_returns_nor_removes_a_preview_of_another(user_id, other_id, refresh, theirs_is_refresh):
    theirs = begin_preview(other_id, theirs_is_refresh)
    before = all_of(theirs)
    mine, is_new = lifecycle.begin(user_id, refresh)
    assert is_new and mine != theirs
    assert all_of(theirs) == before
    assert lifecycle.begin(user_id, refresh) == (mine, False)
    company(user_id, "gamma")
    assert lifecycle.begin(user_id, refresh)[1]
    assert all_of(theirs) == before
    assert {unit.company_id for unit in units(theirs)}.isdisjoint(unit.company_id for unit in units(mine))


def test_begin_of_both_at_once_makes_a_preview_for_each(app, user_id, other_id):
    for _ in range(5):
        calls = [lambda each=each: lifecycle.begin(each) for each in (user_id, other_id) * 4]
        outcomes = in_parallel(app, *calls)
        assert {preview_id for preview_id, _ in outcomes[::2]} == {*previews_of(user_id)}
        assert {preview_id for preview_id, _ in outcomes[1::2]} == {*previews_of(other_id)}
        assert sorted(is_new for _, is_new in outcomes) == [False] * 6 + [True] * 2
        sql("DELETE FROM previews")


def test_begin_copies_the_companies_of_its_user_alone(user_id, other_id):
    company(other_id, "gamma")
    assert [unit.board for unit in units(begin_preview(user_id))] == ["acme", "beta"]


def test_deadline_counts_the_companies_of_its_user_alone(user_id, other_id):
    mine = preview(begin_preview(user_id))
    assert (mine.deadline_at - mine.created_at).total_seconds() == pytest.approx(900 + 2 * 2, abs=1)


def test_begin_without_companies_of_ones_own_is_refused(user_id, other_id):
    sql("DELETE FROM companies WHERE user_id = :id", id=user_id)
    theirs = begin_preview(other_id)
    with pytest.raises(lifecycle.NoCompanies):
        lifecycle.begin(user_id)
    assert previews_of(other_id) == [theirs]


def test_latest_is_ones_own(user_id, other_id):
    assert lifecycle.latest(user_id) is None
    mine, _ = begin_preview(user_id), begin_preview(other_id)
    assert lifecycle.latest(user_id) == mine


def test_reads_refuse_a_preview_of_another_as_a_missing_one(user_id, other_id):
    list_board("acme", ["Engineer"])
    theirs, mine = finish_preview(other_id), finish_preview(user_id)
    [posting] = postings(theirs)
    assert [each.company for each in postings_service.page(mine, user_id)[0]] == ["Acme"]
    for read in (
        lambda preview_id: lifecycle.get(preview_id, user_id),
        lambda preview_id: postings_service.page(preview_id, user_id),
        lambda preview_id: postings_service.page(preview_id, user_id, company=1, matched=True, search="engineer"),
        lambda preview_id: postings_service.get(preview_id, posting.posting_id, user_id),
    ):
        read(mine)
        for missing in (theirs, 404):
            with pytest.raises(PreviewNotFound) as refusal:
                read(missing)
            assert refusal.value.detail == f"There is no preview {missing}."


def test_start_from_a_preview_of_another_is_refused(user_id, other_id):
    theirs = finish_preview(other_id)
    for _ in ("without one of my own", "with one of my own"):
        assert isinstance(lifecycle.refusal(theirs, user_id), PreviewNotFound)
        with pytest.raises(PreviewNotFound):
            start_run(user_id, theirs)
        assert queries.current(user_id) is None
        finish_preview(user_id)
    assert lifecycle.refusal(theirs, other_id) is None
    assert start_run(other_id, theirs)


def test_prune_leaves_the_previews_of_another(user_id, other_id):
    theirs = [finish_preview(other_id)]
    # A preview of another that is older than the latest of all, with the one to be kept of its own.
    sql("UPDATE previews SET finished_at = NULL WHERE preview_id = :id", id=theirs[0])
    mine = [finish_preview(user_id) for _ in range(2)]
    sql("UPDATE previews SET finished_at = now() WHERE preview_id = :id", id=theirs[0])
    removal.prune(user_id)
    assert previews_of(other_id) == theirs
    assert previews_of(user_id) == mine[1:]
    newest = finish_preview(other_id)
    removal.prune(user_id)
    assert previews_of(user_id) == mine[1:]
    assert previews_of(other_id)[-1] == newest


def test_work_on_a_preview_leaves_that_of_another(user_id, other_id):
    list_board("acme", ["Engineer", "Cook"])
    fail_board("beta")
    mine, theirs = begin_preview(user_id), begin_preview(other_id)
    before = all_of(theirs)
    answers.answer_preview(mine)
    assert all_of(theirs) == before
    answers.answer_preview(theirs)
    before = all_of(theirs)
    decisions.decide(mine)
    completion.finish_if_done(mine)
    outbox.mark_published(mine)
    assert all_of(theirs) == before
    assert (preview(mine).finished_at is not None, len(postings(mine))) == (True, 2)


def test_finish_leaves_the_preview_of_another(user_id, other_id):
    for board in ("acme", "beta"):
        fail_board(board)
    mine, theirs = begin_preview(user_id), begin_preview(other_id)
    for preview_id in (mine, theirs):
        answers.answer_preview(preview_id)
    assert completion.finish_if_done(mine)
    assert [preview(each).finished_at is None for each in (mine, theirs)] == [False, True]


def test_listing_answers_both_but_stores_for_each_its_own(user_id, other_id):
    mine, theirs = begin_preview(user_id), begin_preview(other_id)
    sql("UPDATE preview_companies SET include = '{cook}' WHERE preview_id = :id AND position = 1", id=theirs)
    list_board("beta")
    assert answers.answer_listing(list_board("acme", ["Engineer", "Cook", "Cook"])) == [mine, theirs]
    assert [[unit.state for unit in units(each)] for each in (mine, theirs)] == [["read", "waiting"]] * 2
    work_on(mine)
    assert [unit.state for unit in units(theirs)] == ["read", "waiting"]
    work_on(theirs)
    for preview_id, matched in ((mine, ["Engineer"]), (theirs, ["Cook", "Cook"])):
        assert [each.title for each in postings(preview_id) if each.matched] == matched
        assert [unit.matched for unit in units(preview_id)] == [len(matched), 0]
        assert preview(preview_id).finished_at


def test_removal_of_a_preview_leaves_the_postings_of_another(user_id, other_id):
    list_board("acme", ["Engineer", "Cook"])
    mine, theirs = finish_preview(user_id), finish_preview(other_id)
    before = all_of(theirs)
    sql("DELETE FROM users WHERE user_id = :id", id=user_id)
    assert removal.remove_postings() == 2
    assert postings(mine) == []
    assert all_of(theirs) == before
