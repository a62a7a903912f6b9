"""Whatever boards list and whenever runs come, jobs are as their postings, and every count adds up."""

from dataclasses import dataclass, field
from itertools import count
from typing import Any

import hypothesis
from hypothesis import strategies as st

from app.models import Outcome
from app.services.boards import offers
from app.services.boards.storing import store_failure
from app.services.boards.truth import judge_listing
from app.services.runs import taking_in
from app.sources.types import Listing
from tests.support.board_rows import COMPLETE, NOT_MODIFIED, board_row, claim_board, make_board, make_posting
from tests.support.factories import make_user, row, sql
from tests.support.stored_listings import TIMES, store
from tests.support.taking_in import begin_run, counts, end_run, traces, unit

PARTIAL = Listing(postings=(), is_complete=False)
STEP_SECONDS = 13 * 3600
"""The time from one listing to the next: enough for every rule about witnesses."""

MAX_STEPS = 12
IDS = range(13)
"""A board that loses most of these is held."""

WHOLE = {"all": (COMPLETE, IDS, None, 1), "few": (COMPLETE, IDS[:2], None, 1), "empty": (COMPLETE, (), None, 1)}

NUMBERS = count()

titles = st.sampled_from(["Gardener", "Cook", "Head cook"])
texts = st.sampled_from([None, "Water the trees.", "Peel the onions."])
places = st.sampled_from([("Berlin", "Rome"), ("Rome", "Berlin"), ("Rome",), ()])
contents = st.fixed_dictionaries({"title": titles, "description": texts, "locations": places})

listed = st.tuples(
    st.sampled_from([COMPLETE, COMPLETE, COMPLETE, PARTIAL]),
    st.sets(st.sampled_from(IDS), max_size=6).map(lambda lacking: set(IDS) - lacking),
    contents,
    st.sampled_from([1, 1, 1, 2]),
)
listings = st.one_of(listed, listed, st.sampled_from(["all", "few", "empty", "unchanged", "gone", "unreachable"]))
filters = st.sampled_from([{}, {"include": ("cook",)}, {"exclude": ("head",)}, {"include": ("gardener",)}])
runs = st.tuples(st.sampled_from([0, 1]), filters, st.sampled_from([1, 2, 5, 1000]), st.none() | listings)
# A listing repeated is evidence: two, or three, close postings.
repeated = st.tuples(st.just("list"), st.tuples(listings, st.sampled_from([1, 2, 3])))
steps = st.lists(st.one_of(repeated, st.tuples(st.just("run"), runs)), min_size=6, max_size=MAX_STEPS)


@dataclass
class World:
    """A board and two users whose runs take it in."""

    board: int
    users: list[int]
    contents: dict[int, dict[str, Any]] = field(default_factory=dict)
    schema: int = 1
    left: int = 4 * MAX_STEPS
    """The listings that are to come at most. Each begins STEP_SECONDS after the one before."""

    def list(self, listing: Any) -> None:
        """Store a listing, judged as a worker judges it."""
        self.left -= 1
        ago = self.left * STEP_SECONDS
        if listing in ("gone", "unreachable"):
            code = Outcome.NOT_FOUND if listing == "gone" else Outcome.UNREACHABLE
            claim = claim_board(self.board, ago)
            store_failure(claim, code, "It failed.", None, is_missing=listing == "gone", times=TIMES)
            return
        if listing == "unchanged":
            if board_row(self.board).validated_at:
                store(self.board, listing=NOT_MODIFIED, ago=ago, judge=judge_listing, schema=self.schema)
            return
        kind, ids, content, schema = WHOLE[listing] if isinstance(listing, str) else listing
        self.schema = max(self.schema, schema)
        for each in sorted(ids)[::2] if content else ():
            self.contents[each] = content
        found = [make_posting(each, **self.contents.get(each, {})) for each in sorted(ids)]
        store(self.board, *found, listing=kind, ago=ago, judge=judge_listing, schema=self.schema)

    def run(self, user: int, chosen: dict[str, Any], part: int, meanwhile: Any) -> None:
        """Take the board in, in parts of this size, while it may be listed; then once more."""
        state, board = "read", board_row(self.board)
        if board.content_listing_id != board.listing_id and part < 1000:
            state = "failed"
        run_id = begin_run(self.users[user], self.board, state=state, **chosen)
        left = [] if meanwhile is None else [meanwhile]
        taking_in.MAX_PART = part
        try:
            assert taking_in.take_in(run_id, heartbeat=lambda: left and self.list(left.pop()))
        finally:
            taking_in.MAX_PART = 1000
            end_run(run_id)
        assert unit(run_id).state == ("taken_in" if state == "read" else "failed")
        assert unit(run_id).expired_jobs is not None
        assert row(run_id).total_jobs == (unit(run_id).matched or 0)
        counts(run_id)
        assert_counts_are_those_of_the_events(run_id)
        assert_jobs_follow_their_revisions(self.board)
        assert_closings_have_two_witnesses(self.board)


def assert_counts_are_those_of_the_events(run_id: int) -> None:
    """A job that matches counts by the first of new, reopened and changed that it has; any counts as expired."""
    events = sql(
        "SELECT posting_id, array_agg(kind) AS kinds FROM job_events JOIN jobs ON jobs.id = job_id"
        " WHERE job_events.run_id = :run GROUP BY posting_id",
        run=run_id,
    )
    of = unit(run_id)
    assert of.expired_jobs == sum("expired" in each.kinds for each in events)
    assert all(each.kinds.count(kind) == 1 for each in events for kind in ("new", "expired") if kind in each.kinds)
    if of.state != "taken_in" or of.listing_id != board_row(of.board_id).content_listing_id:
        return
    [offered] = offers.decided({of.board_id: offers.Filters(of.include, of.exclude)})
    matched = {each for rule, (ids, _) in offered.by_rule.items() if rule.is_match for each in ids}
    kinds = [
        next((kind for kind in ("new", "reopened", "changed") if kind in each.kinds), None)
        for each in events if each.posting_id in matched
    ]
    expected = tuple(kinds.count(kind) for kind in ("new", "changed", "reopened"))
    assert (*expected, len(matched) - sum(expected)) == counts(run_id)[:4]


def assert_jobs_follow_their_revisions(board: int) -> None:
    different = sql(
        "SELECT j.id FROM jobs j LEFT JOIN posting_revisions r USING (revision_id) WHERE j.board_id = :board AND"
        " (j.title, j.url, j.location, j.locations, j.department, j.workplace, j.employment_type, j.pay, j.posted_at,"
        " j.description, j.requirements, j.simhash, j.external_id) IS DISTINCT FROM (r.title, r.url,"
        " array_to_string(r.locations, '; '), r.locations, r.department, r.workplace, r.employment_type, r.pay,"
        " r.posted_at, r.description, r.requirements, r.simhash, r.external_id)",
        board=board,
    )
    assert different == []


def assert_closings_have_two_witnesses(board: int) -> None:
    """Every job that is expired has an event that names two listings, and its posting was closed by them."""
    unproved = sql(
        "SELECT j.id FROM jobs j WHERE j.board_id = :board AND j.status = 'expired' AND NOT EXISTS ("
        " SELECT FROM job_events e JOIN posting_events p ON p.posting_id = j.posting_id AND p.kind = 'closed'"
        " AND p.listing_id = e.listing_id AND p.witness_listing_id = e.witness_listing_id AND p.reason = e.reason"
        " WHERE e.job_id = j.id AND e.kind = 'expired' AND e.at = j.expired_at)",
        board=board,
    )
    assert unproved == []


def assert_jobs_are_as_the_board_offers(world: World, user: int, chosen: dict[str, Any]) -> None:
    """After a run without a listing meanwhile nothing is left to do, and a second run writes nothing."""
    left = sql(
        "SELECT j.id FROM jobs j JOIN postings p USING (posting_id) WHERE user_id = :user AND p.board_id = :board AND"
        " ((j.status = 'ready') <> (p.closed_at IS NULL)"
        " OR p.closed_at IS NULL AND p.revision_id <> j.revision_id)",
        user=world.users[user], board=world.board,
    )
    assert left == []
    before = traces()
    world.run(user, chosen, 5, None)
    assert traces() == before


@hypothesis.given(steps=steps)
@hypothesis.settings(max_examples=40)
def test_jobs_are_as_their_postings_whatever_happens(app, steps):
    number = next(NUMBERS)
    users = [make_user(f"{number}-{each}@example.org") for each in "ab"]
    world = World(make_board(board=f"board-{number}"), users)
    world.list("all")
    for kind, step in steps:
        if kind == "list":
            for _ in range(step[1]):
                world.list(step[0])
            continue
        user, chosen, part, meanwhile = step
        world.run(user, chosen, part, meanwhile)
        if meanwhile is None:
            world.run(user, chosen, 1000, None)
            assert_jobs_are_as_the_board_offers(world, user, chosen)
