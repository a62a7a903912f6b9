"""Links that an adapter makes of a posting's id, because the record itself has none."""

import pytest

from app.sources.parsing.urls import MAX_SEGMENT_LENGTH, path_segment
from tests.sources.adapters.examples import ASHBY, GREENHOUSE, LEVER, RECRUITEE, WORKABLE, parse_record

ODD_IDS = [("7/../../evil?x=1#y", "7%2F..%2F..%2Fevil%3Fx%3D1%23y"), ("ä b", "%C3%A4%20b"), ("\ud800x", "%3Fx")]


@pytest.mark.parametrize(("identity", "quoted"), ODD_IDS)
@pytest.mark.parametrize(
    ("key", "record", "fields", "begin"),
    [
        ("greenhouse", GREENHOUSE["jobs"][0], ("id", "absolute_url"), "https://job-boards.greenhouse.io/acme/jobs/"),
        ("lever", LEVER[0], ("id", "hostedUrl"), "https://jobs.lever.co/acme/"),
        ("ashby", ASHBY["jobs"][0], ("id", "jobUrl"), "https://jobs.ashbyhq.com/acme/"),
        ("workable", WORKABLE["jobs"][0], ("shortcode", "url"), "https://apply.workable.com/acme/j/"),
        ("recruitee", RECRUITEE["offers"][0], ("slug", "careers_url"), "https://acme.recruitee.com/o/"),
    ],
)
def test_fallback_link_has_the_id_as_one_segment(key, record, fields, begin, identity, quoted):
    posting = parse_record(key, record, **{fields[0]: identity, fields[1]: None})
    assert posting.url.rstrip("/") == f"{begin}{quoted}"


def test_fallback_link_is_bounded_like_the_id():
    assert len(path_segment("ä" * 1_000_000)) == len("%C3%A4") * MAX_SEGMENT_LENGTH
