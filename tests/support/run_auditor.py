"""An independent check of what runs did with jobs: against what the boards served, and not against postings."""

from dataclasses import dataclass, field
from typing import Any

from app.sources.title_filter import TitleFilter
from tests.support.changing_boards import Content, Served
from tests.support.factories import row, run_companies, sql

WITNESS_SECONDS = 3600
SHOWN = ("complete", "unchanged", "held", "partial", "empty")
AGEING = ("complete", "unchanged")
FIRST_WITNESSES = {
    "unseen": (*AGEING, "held"), "board_empty": ("empty", *AGEING), "board_gone": ("failed", *AGEING),
}
LAST_WITNESSES = {"unseen": AGEING, "board_empty": ("complete",), "board_gone": ("failed",)}
"""The states of listings that may be witnesses of a closing. A posting that is missing already keeps its first one."""

JOBS = (
    "SELECT id, user_id, board_id, external_id, status, title, description AS text, location AS place,"
    " kept_listing_id, xmin::text AS version FROM jobs"
)
DIFFERENT = (
    "SELECT j.id FROM jobs j LEFT JOIN posting_revisions r USING (revision_id) WHERE (j.title, j.url, j.location,"
    " j.locations, j.department, j.workplace, j.employment_type, j.pay, j.posted_at, j.description, j.requirements,"
    " j.simhash, j.external_id) IS DISTINCT FROM (r.title, r.url, array_to_string(r.locations, '; '), r.locations,"
    " r.department, r.workplace, r.employment_type, r.pay, r.posted_at, r.description, r.requirements, r.simhash,"
    " r.external_id)"
)
UNSOUND = (
    "SELECT id FROM ingestion_runs r WHERE total_jobs <> (SELECT coalesce(sum(matched), 0) FROM run_companies"
    " WHERE run_id = id AND state <> 'failed') OR status = 'finished' AND companies_total > 0 AND (jobs_ready,"
    " jobs_skipped, jobs_expired) <> (SELECT coalesce(sum(new_jobs + changed_jobs + reopened_jobs) FILTER (WHERE state"
    " = 'taken_in'), 0), coalesce(sum(unchanged_jobs) FILTER (WHERE state = 'taken_in'), 0), sum(expired_jobs)"
    " FROM run_companies WHERE run_id = id)"
)


@dataclass
class Auditor:
    """A record of the listings of each board, and of what each showed."""

    served: dict[int, Served] = field(default_factory=dict)
    listings: dict[int, list[Any]] = field(default_factory=dict)
    """The listings of each board, the first one first."""

    def record(self, shown: dict[str, Served]) -> None:
        """Record the listings that ended since the last call: the boards, by name, show the same since then."""
        for listing in self.new_listings():
            self.add(listing, shown[listing.board])

    def new_listings(self) -> list[Any]:
        """Return the listings that ended since the last one that was added, each with the name of its board."""
        last = max(self.served, default=0)
        return sql(
            "SELECT listings.*, board FROM listings JOIN boards USING (board_id) WHERE listings.listing_id > :last"
            " AND ended_at IS NOT NULL ORDER BY listings.listing_id",
            last=last,
        )

    def add(self, listing: Any, served: Served) -> None:
        """Record a listing, and what its board showed."""
        self.served[listing.listing_id] = served
        self.listings.setdefault(listing.board_id, []).append(listing)

    def check(self, run_id: int, before: dict[int, Any]) -> None:
        """Check an ended run. ``before`` are the jobs of all users before it, by id."""
        assert sql(DIFFERENT) == [], "each job's fields are those of its revision"
        assert sql(UNSOUND) == [], "the counts of each run are the sums of its companies"
        after, run, events = jobs(), row(run_id), job_events(run_id)
        units = {unit.board_id: unit for unit in run_companies(run_id)}
        assert before.keys() <= after.keys(), "no job is lost"
        for each in before.values():
            if each.user_id != run.user_id or each.board_id not in units:
                assert after[each.id].version == each.version, "jobs of other users and companies are left alone"
        for event in events:
            self._check_event(event, after[event.job_id])
        if run.status == "finished":
            for unit in units.values():
                mine = [each for each in events if each.board_id == unit.board_id]
                self._check_unit(unit, run, mine, before, after)

    def _check_event(self, event: Any, job: Any) -> None:
        listings = {each.listing_id: each for each in self.listings[job.board_id]}
        if event.kind != "expired":
            assert any(self.served[each].shows(job.external_id) for each in listings if each <= event.listing_id)
            return
        first, last = listings[event.witness_listing_id], listings[event.listing_id]
        between = [each for each in listings if first.listing_id <= each <= last.listing_id]
        assert not any(self.served[each].shows(job.external_id) for each in between), "no listing since showed it"
        assert (last.began_at - first.began_at).total_seconds() >= WITNESS_SECONDS
        assert are_witnesses(event.reason, first.state, last.state), (event.reason, first.state, last.state)

    def _check_unit(
        self, unit: Any, run: Any, events: list[Any], before: dict[int, Any], after: dict[int, Any]
    ) -> None:
        kinds = [each.kind for each in events]
        assert unit.expired_jobs == kinds.count("expired")
        if unit.state == "failed":
            assert {*kinds} <= {"expired"}, "a board that was not read changes no job"
        mine = [each for each in after.values() if (each.user_id, each.board_id) == (run.user_id, unit.board_id)]
        for job in mine:
            if job.id in before and job.status == before[job.id].status == "expired":
                assert job.version == before[job.id].version
        self._check_none_is_left_open(unit, [each for each in mine if each.status == "ready"])
        served = self.served[unit.listing_id] if unit.listing_id else None
        if unit.state == "taken_in" and served and unit.listing_state in ("complete", "unchanged", "held"):
            if served.is_whole and not served.unread:
                earlier = {each.external_id: before[each.id] for each in mine if each.id in before}
                self._check_counts(unit, served, earlier, {each.external_id: each for each in mine})

    def _check_none_is_left_open(self, unit: Any, ready: list[Any]) -> None:
        """Every posting that two listings apart lacked, and none showed since, has expired."""
        if unit.held_closings or sql("SELECT 1 FROM run_closings WHERE run_id = :run", run=unit.run_id):
            return
        for job in ready:
            if job.kept_listing_id:
                continue
            known = [each for each in self.listings[unit.board_id] if each.listing_id <= unit.pinned_listing_id]
            last = max(each.listing_id for each in known if self.served[each.listing_id].shows(job.external_id))
            lacking = [each.began_at for each in known if each.listing_id > last and each.state in AGEING]
            if lacking:
                assert (lacking[-1] - lacking[0]).total_seconds() < WITNESS_SECONDS, f"job {job.id} is gone"

    def _check_counts(self, unit: Any, served: Served, before: dict[str, Any], after: dict[str, Any]) -> None:
        titles = TitleFilter(unit.include, unit.exclude)
        matched = {each: post for each, post in served.postings.items() if titles.decide(post.title).is_match}
        assert (unit.found, unit.matched) == (len(served.postings), len(matched))
        expected = {"new": 0, "changed": 0, "reopened": 0, "unchanged": 0}
        for each, content in matched.items():
            assert after[each].status == "ready"
            assert content_of(after[each]) == content
            old = before.get(each)
            kind = "new" if old is None else "reopened" if old.status == "expired" else "changed"
            if kind == "changed" and content_of(old) == content:
                kind = "unchanged"
            expected[kind] += 1
        assert expected == {kind: getattr(unit, f"{kind}_jobs") for kind in expected}


def are_witnesses(reason: str, first: str, last: str) -> bool:
    """Return whether listings in these states may together prove a closing for this reason."""
    return first in FIRST_WITNESSES[reason] and last in LAST_WITNESSES[reason]


def content_of(job: Any) -> Content:
    """Return the content that a job is a copy of."""
    return Content(job.title, job.text, job.place)


def jobs() -> dict[int, Any]:
    """Return the jobs of all users by id."""
    return {each.id: each for each in sql(JOBS)}


def job_events(run_id: int) -> list[Any]:
    """Return the events of a run, each with the board of its job."""
    return sql(
        "SELECT job_events.*, board_id FROM job_events JOIN jobs ON jobs.id = job_id WHERE job_events.run_id = :run",
        run=run_id,
    )
