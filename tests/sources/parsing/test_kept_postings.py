"""The postings that are kept while a board is read, and the merging of their duplicates."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from app.sources.parsing.dates_and_places import MAX_LOCATIONS
from app.sources.parsing.kept_postings import KeptPostings, Known, merged
from app.sources.types import Posting

TIME = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
POSTING = Posting("1", "Baker", "https://a.example/1", ("Turin",), "Oven", None, "Full", TIME, None, "Bake.", None)
ANY = st.text(st.characters(codec=None), max_size=20)


@given(title=ANY, places=st.lists(ANY, max_size=3), time=st.none() | st.datetimes(timezones=st.just(UTC)))
def test_known_posting_is_packed_without_loss(title, places, time):
    posting = replace(POSTING, title=title, locations=tuple(places), updated_at=time)
    assert Known.unpack(Known.of(posting).pack()) == Known.of(posting)


def test_merged_posting_has_both_places_and_the_first_fields():
    again = replace(POSTING, title="Cook", locations=("Oslo",), department=None, posted_at=None, description="Cook.")
    assert merged(Known.of(POSTING), again) == replace(POSTING, locations=("Turin", "Oslo"), description="Cook.")


def test_merged_posting_gets_the_fields_that_the_first_lacked():
    first = replace(POSTING, department=None, description=None)
    assert merged(Known.of(first), POSTING) == POSTING


def test_merged_is_none_for_a_record_that_says_nothing_new():
    first = Known.of(POSTING)
    assert merged(first, replace(POSTING, title="Cook", description="Other.")) is None
    assert merged(first, replace(POSTING, locations=("Oslo",), description=None)) is None
    places = tuple(map(str, range(MAX_LOCATIONS)))
    assert merged(Known.of(replace(POSTING, locations=places)), POSTING) is None


def test_kept_postings_are_whole_only_on_demand():
    for whole in (True, False):
        kept = KeptPostings(whole=whole)
        kept.put(POSTING)
        assert (len(kept), kept.whole) == (1, (POSTING,) if whole else ())
        assert kept.get("1") == Known.of(POSTING) and kept.get("2") is None


def test_kept_size_is_that_of_the_last_version():
    kept, other = KeptPostings(whole=False), KeptPostings(whole=False)
    kept.put(replace(POSTING, title="x" * 500))
    kept.put(POSTING)
    other.put(POSTING)
    assert kept.size == other.size > 100
