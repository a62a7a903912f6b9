"""An independent check of what runs did with jobs: against what the boards served, and not against postings."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from app.sources.title_filter import TitleFilter
from tests.support.changing_boards import NOTHING, Content, Served
from tests.support.factories import row, run_companies, sql

WITNESS_SECONDS = 3600
AGEING = ("complete", "unchanged")
SOUND = (*AGEING, "held")
KINDS = ("wrongly gone", "wrongly open", "wrongly new", "wrongly changed", "counts off", "wrongly written")
"""The kinds of wrong statements about jobs."""

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

ASKED = "SELECT run_id FROM run_closings"

Jobs = dict[tuple[int, int], dict[str, Any]]
"""The jobs by user and board, and then by the posting's id on the board."""


@dataclass
class Auditor:
    """A record of what each listing showed, and the judge of what runs say of jobs. Its first refutation is raised."""

    checked: Counter[str] = field(default_factory=Counter)
    """The numbers of runs, events and jobs that were judged."""
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

    def judge(self, run_ids: list[int], before: dict[int, Any]) -> dict[int, Any]:
        """Judge ended runs, one of each user, and return the jobs after them. ``before`` are those before them."""
        after = jobs()
        asked = {each.run_id for each in sql(ASKED)}
        earlier, later = by_board(before), by_board(after)
        for each in before.keys() - after.keys():
            self.refute("wrongly gone", f"job {each} is lost")
        if len(after) != sum(map(len, later.values())):
            self.refute("wrongly new", "a user has two jobs of one posting")
        for sentence, statement in (("jobs differ from their revisions", DIFFERENT), ("runs do not add up", UNSOUND)):
            if found := sql(statement):
                self.refute("counts off", f"{sentence}: {found[:5]}")
        touched = set()
        for run_id in run_ids:
            run, units, events = row(run_id), run_companies(run_id), job_events(run_id)
            touched |= {(run.user_id, unit.board_id) for unit in units}
            for event in events:
                self._judge_event(event, before.get(event.job_id), after[event.job_id])
            for unit in units if run.status == "finished" else ():
                key = run.user_id, unit.board_id
                of_unit = [each for each in events if each.board_id == unit.board_id]
                self._judge_unit(unit, run_id in asked, of_unit, earlier.get(key, {}), later.get(key, {}))
            self.checked["runs"] += 1
        for each in before.values():
            if (each.user_id, each.board_id) not in touched and after[each.id].version != each.version:
                self.refute("wrongly written", f"job {each.id} was written by no run of its company")
        return after

    def refute(self, kind: str, sentence: str) -> None:
        """Raise AssertionError for a wrong statement of the product, of one of KINDS."""
        raise AssertionError(f"{kind}: {sentence}")

    def _judge_event(self, event: Any, old: Any, job: Any) -> None:
        self.checked["events"] += 1
        listings = {each.listing_id: each for each in self.listings.get(job.board_id, ())}
        what = f"job {job.id} of run {event.run_id} at listing {event.listing_id}"
        if event.kind == "expired":
            if sentence := self._refutation(event, job.external_id, listings):
                self.refute("wrongly gone", f"{what} {sentence}")
            return
        kind = "wrongly changed" if event.kind == "changed" else "wrongly new"
        if not any(self.served[each].shows(job.external_id) for each in listings if each <= event.listing_id):
            self.refute(kind, f"{what} is {event.kind}, but no listing showed it")
        is_fitting = {"new": old is None, "reopened": old is not None and old.status == "expired"}
        if not is_fitting.get(event.kind, True):
            self.refute("wrongly new", f"{what} is {event.kind}, but was {old and old.status} before")

    def _refutation(self, event: Any, external_id: str, listings: dict[int, Any]) -> str | None:
        """Return why a posting is not proved to be gone, or None if two listings prove it."""
        first, last = listings.get(event.witness_listing_id), listings.get(event.listing_id)
        if first is None or last is None:
            return "has no two witnesses"
        between = [each for each in listings if first.listing_id <= each <= last.listing_id]
        if showing := [each for each in between if self.served[each].shows(external_id)]:
            return f"is gone, but listings {showing} showed it"
        if (last.began_at - first.began_at).total_seconds() < WITNESS_SECONDS:
            return "is gone by witnesses that are not apart"
        witnesses = [self.served[each.listing_id] for each in (first, last)]
        if event.reason != "board_gone" and not all(each.is_whole for each in witnesses):
            shown = [(each.is_whole, len(each.postings)) for each in witnesses]
            return f"is gone by a listing that was not whole: {first.state} and {last.state}, {shown}"
        if event.reason == "board_gone" and witnesses[1] != NOTHING:
            return "is gone with a board that answered"
        if not are_witnesses(event.reason, first.state, last.state):
            return f"is gone as {event.reason} by listings that were {first.state} and {last.state}"
        return None

    def _judge_unit(
        self, unit: Any, has_question: bool, events: list[Any], before: dict[str, Any], after: dict[str, Any]
    ) -> None:
        self.checked["jobs"] += len(after)
        what = f"run {unit.run_id}, company {unit.position}"
        kinds = Counter(each.kind for each in events)
        if unit.expired_jobs != kinds["expired"]:
            self.refute("counts off", f"{what}: {unit.expired_jobs} expired jobs, {kinds['expired']} events")
        if unit.state == "failed" and {*kinds} - {"expired"}:
            self.refute("wrongly written", f"{what}: its board was not read, and it has events {kinds}")
        for each in before.keys() & after.keys():
            stays = before[each].status == after[each].status == "expired"
            if stays and after[each].version != before[each].version:
                self.refute("wrongly written", f"{what}: job {after[each].id} was expired, and was written")
        if not unit.held_closings and not has_question:
            self._judge_open_jobs(unit, after)
        served = self.served[unit.listing_id] if unit.listing_id else NOTHING
        if unit.state == "taken_in" and unit.listing_state in SOUND and served.is_whole and not served.unread:
            self._judge_listed_jobs(unit, served, before, after, what)

    def _judge_open_jobs(self, unit: Any, after: dict[str, Any]) -> None:
        """Refute an open job that two listings apart lacked, and none showed since."""
        known = [each for each in self.listings[unit.board_id] if each.listing_id <= (unit.pinned_listing_id or 0)]
        for job in after.values():
            if job.status != "ready" or job.kept_listing_id:
                continue
            last = max((each.listing_id for each in known if self.served[each.listing_id].shows(job.external_id)),
                       default=0)
            if not last:
                self.refute("wrongly new", f"job {job.id} is open, and no listing showed it")
            lacking = [each.began_at for each in known if each.listing_id > last and each.state in AGEING]
            if lacking and (lacking[-1] - lacking[0]).total_seconds() >= WITNESS_SECONDS:
                self.refute("wrongly open", f"job {job.id} is open, {len(lacking)} listings lacked it since {last}")

    def _judge_listed_jobs(
        self, unit: Any, served: Served, before: dict[str, Any], after: dict[str, Any], what: str
    ) -> None:
        titles = TitleFilter(unit.include, unit.exclude)
        matched = {each: post for each, post in served.postings.items() if titles.decide(post.title).is_match}
        if (unit.found, unit.matched) != (len(served.postings), len(matched)):
            shown = f"{len(served.postings)} shown, {len(matched)} match"
            self.refute("counts off", f"{what}: found {unit.found}, matched {unit.matched}, but {shown}")
        expected = Counter[str]()
        for each, content in matched.items():
            job, old = after.get(each), before.get(each)
            if job is None or job.status != "ready":
                self.refute("wrongly gone", f"{what}: {each} was shown, and is {job and job.status}")
                continue
            if content_of(job) != content:
                self.refute("wrongly changed", f"{what}: {each} is {content_of(job)}, but {content} was shown")
            is_same = old is not None and content_of(old) == content
            expected["new" if old is None else "reopened" if old.status == "expired"
                     else "unchanged" if is_same else "changed"] += 1
        counted = {kind: getattr(unit, f"{kind}_jobs") for kind in ("new", "changed", "reopened", "unchanged")}
        if counted != {kind: expected[kind] for kind in counted}:
            self.refute("counts off", f"{what}: {counted}, but {dict(expected)} expected")


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


def by_board(found: dict[int, Any]) -> Jobs:
    grouped: Jobs = defaultdict(dict)
    for job in found.values():
        grouped[job.user_id, job.board_id][job.external_id] = job
    return grouped
