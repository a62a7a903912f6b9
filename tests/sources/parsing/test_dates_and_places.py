"""Locations: a posting has a limited number of them."""

from app.sources.parsing.dates_and_places import MAX_LOCATIONS, MAX_LOCATIONS_LENGTH, split_locations


def test_split_locations_returns_a_limited_number():
    many = [f"Town {number}" for number in range(MAX_LOCATIONS + 1)]
    assert split_locations(";".join(many)) == split_locations(*many) == tuple(many[:MAX_LOCATIONS])


def test_split_locations_reads_a_limited_length():
    assert split_locations("x" * (MAX_LOCATIONS_LENGTH + 1), "Oslo") == ("x" * MAX_LOCATIONS_LENGTH, "Oslo")
    assert split_locations(";" * MAX_LOCATIONS_LENGTH + "Oslo") == ()
