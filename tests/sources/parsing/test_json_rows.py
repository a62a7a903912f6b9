"""JSON responses read row by row, within limits."""

import json

import pytest

from app.sources.deadline import Deadline
from app.sources.errors import OutOfTime, ShapeChanged
from app.sources.parsing import json_rows
from app.sources.parsing.json_record import identity_in, parse_rows
from app.sources.parsing.json_rows import MAX_DEPTH, MAX_ROW_VALUES, MAX_TOKEN_BYTES, JsonRows
from app.sources.types import MAX_DOCUMENT_BYTES, MAX_FAULTS, MAX_RECORDS, RawPosting, Response
from tests.sources.adapters.examples import drain

IDENTITY = identity_in("id")


def rows(body: bytes, name: str = "jobs", deadline: Deadline | None = None) -> JsonRows:
    return JsonRows(Response(200, {}, body, "https://example.org", deadline or Deadline.of(60)), name)


def document(*jobs: str, rest: str = "") -> bytes:
    return f'{{"jobs": [{", ".join(jobs)}]{rest}}}'.encode()


def title_of(record) -> RawPosting:
    return RawPosting(record.text("id"), record.text("title"), "https://acme.example/")


def test_rows_are_yielded_before_the_rest_is_read():
    found = iter(rows(b'{"jobs": [{"id": 1}, {"id": 2}, ' + b" " * 100_000 + b"rubbish"))
    assert [next(found), next(found)] == [{"id": 1}, {"id": 2}]
    with pytest.raises(ShapeChanged, match="not valid JSON"):
        next(found)


def test_rows_keep_the_small_members_beside_them():
    found = rows(b'{"a": 1, "jobs": [7], "meta": {"total": 3, "list": [1.5, null]}, "name": "Acme"}')
    assert list(found) == [7]
    assert found.rest == {"a": 1, "meta": {"total": 3, "list": [1.5, None]}, "name": "Acme"}


def test_rows_keep_few_members_beside_them():
    found = rows(document(rest="".join(f', "m{number}": {number}' for number in range(5000))))
    assert list(found) == [] and len(found.rest) == json_rows.MAX_REST_VALUES


def test_rows_of_a_list_without_a_name():
    assert list(rows(b"[1, [2], {}]", "")) == [1, [2], {}]


@pytest.mark.parametrize("number", ["1234567890123456789", "-0.5", "1e300", "2E-5", "true", '"\\u00e9"'])
def test_rows_have_the_values_of_json(number):
    assert list(rows(document(number))) == [json.loads(number)]


def test_rows_accept_a_byte_order_mark():
    assert list(rows(b"\xef\xbb\xbf" + document("1"))) == [1]


@pytest.mark.parametrize("end", [b" x", b"{}", b","])
def test_rows_refuse_text_after_the_document(end):
    with pytest.raises(ShapeChanged, match="not valid JSON"):
        list(rows(document("1") + end))


@pytest.mark.parametrize("number", ["1" * 20, "1" * 5000, "1" * 100_000, "1e400"])
def test_rows_refuse_a_number_that_is_too_large(number):
    with pytest.raises(ShapeChanged, match="not valid JSON"):
        list(rows(document(number)))


@pytest.mark.parametrize(
    "large",
    [
        f'{{"a": [{",".join(["{}"] * MAX_ROW_VALUES)}]}}',
        "[" * (MAX_DEPTH + 2) + "]" * (MAX_DEPTH + 2),
        json.dumps({"a": "x" * 2_500_000, "b": "x" * 2_500_000}),
    ],
    ids=["values", "depth", "characters"],
)
def test_rows_skip_a_row_that_is_too_large(large):
    first, skipped, last = rows(document("1", large, "2"))
    assert (first, last) == (1, 2)
    assert isinstance(skipped, ShapeChanged) and skipped.field == "jobs[1]"


def test_rows_keep_the_largest_row():
    [row] = rows(document(f'[{",".join(["{}"] * (MAX_ROW_VALUES - 1))}]'))
    assert len(row) == MAX_ROW_VALUES - 1


@pytest.mark.parametrize("token", [b'"%s"', b"%s"], ids=["a text", "a number"])
def test_rows_refuse_a_token_that_is_too_long(token):
    with pytest.raises(ShapeChanged, match="more than 4 MB"):
        list(rows(b'{"jobs": [' + token % (b"1" * (MAX_TOKEN_BYTES + 200_000)) + b"]}"))


def test_rows_end_at_the_limit_of_events(monkeypatch):
    monkeypatch.setattr(json_rows, "MAX_EVENTS", 2000)
    *found, last = rows(document(*["{}"] * 3000))
    assert len(found) < 1500 and isinstance(last, ShapeChanged)


@pytest.mark.parametrize("body", [document(*["{}"] * 3000), document(f'[{",".join(["1"] * 5000)}]')])
def test_rows_end_at_the_deadline(body):
    with pytest.raises(OutOfTime):
        list(rows(body, deadline=Deadline.of(-1)))


def test_parse_stops_after_the_most_records():
    parsed = []

    def parse(record):
        parsed.append(record)
        return title_of(record)

    body = document(*['{"id": "1", "title": "Baker"}'] * (MAX_RECORDS + 1))
    postings, read = drain(parse_rows(rows(body), "jobs", parse, IDENTITY))
    assert len(postings) == len(parsed) == read.records == MAX_RECORDS and not read.is_whole


def test_parse_counts_all_faults_and_keeps_the_first_hundred():
    bad = MAX_FAULTS + 50
    _, read = drain(parse_rows(rows(document('{"id": "1", "title": "x"}', *["{}"] * bad)), "jobs", title_of, IDENTITY))
    assert read.faults.count == bad
    assert read.faults.places == [f"jobs[{number}].id" for number in range(1, MAX_FAULTS + 1)]


def test_json_refuses_a_large_document():
    body = b"[" + b"1," * (MAX_DOCUMENT_BYTES // 2) + b"1]"
    with pytest.raises(ShapeChanged, match="larger than 1 MB"):
        Response(200, {}, body, "https://example.org").json()
