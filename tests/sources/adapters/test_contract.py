"""The contract of all sources, checked for every registered source with example boards written by hand.

Each source has a folder below ``boards/`` with ``manifest.json``, the responses named there, and ``expected.json``.
"""

import copy
import hashlib
import html
import json
import re
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sources.adapters.registry import SOURCES
from app.sources.board_token import Board, is_label, is_own_domain, with_token
from app.sources.deadline import Deadline
from app.sources.errors import Forbidden, Gone, Moved, NotFound, ShapeChanged, SourceError, Throttled, Unreachable
from app.sources.http.responses import STATUS_ERRORS
from app.sources.listing import board_name, list_board
from app.sources.parsing.postings import normalize
from app.sources.types import Page, RawPosting, Response, Validators
from tests.sources.adapters.examples import drain
from tests.support import xml_documents
from tests.support.web import Reply, Web

FOLDER = Path(__file__).parent / "boards"
HOSTILE = (
    "<p onclick=alert(1)>Fine<script>alert('never')</script><img src=x onerror=alert(2)>"
    "<a href='javascript:alert(3)'>print</a><style>p{}</style><!-- hidden --></p>"
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def example(key: str) -> SimpleNamespace:
    """Read the folder of a source."""
    manifest = json.loads((FOLDER / key / "manifest.json").read_text())
    answers = {path: _read(FOLDER / key / name) for path, name in manifest["answers"].items()}
    is_xml = next(iter(manifest["answers"].values())).endswith(".xml")
    expected = json.loads((FOLDER / key / "expected.json").read_text())
    source = SOURCES[key]
    parts = {"pages": 1, **manifest, "answers": answers, "expected": expected, "source": source, "is_xml": is_xml}
    return SimpleNamespace(**parts, main=next(iter(answers)), of=source.board(manifest["board"]))


def _read(path: Path) -> Any:
    return xml_documents.load(path.read_text()) if path.suffix == ".xml" else json.loads(path.read_text())


# A website has no single response format: see test_website.py.
EXAMPLES = {key: example(key) for key in SOURCES if key != "website"}
every_source = pytest.mark.parametrize("case", EXAMPLES.values(), ids=EXAMPLES)


def records_of(case: SimpleNamespace, document: Any) -> list[Any]:
    for name in filter(None, case.records.split(".")):
        document = document[name]
    return document


def encode(case: SimpleNamespace, document: Any) -> bytes:
    """Return the document in the format that the source sends."""
    return xml_documents.dump(document) if case.is_xml else json.dumps(document).encode()


def serve_listing(case: SimpleNamespace, web: Web, document: Any) -> None:
    """Serve the document as the listing of the board."""
    web.replies[case.main] = Reply(encode(case, document))


def changed(case: SimpleNamespace, change: Any) -> Any:
    """Return the main response after ``change`` was applied to its list of records."""
    document = copy.deepcopy(case.answers[case.main])
    change(records_of(case, document))
    if isinstance(document, dict):
        document.pop("meta", None)
    return document


def parse(case: SimpleNamespace, document: Any) -> tuple[list[RawPosting], Page]:
    body = document if isinstance(document, bytes) else encode(case, document)
    return drain(case.source.parse(Response(200, {}, body, "https://example.org/"), case.of))


def serve_example(case: SimpleNamespace, web: Web) -> None:
    for path, document in case.answers.items():
        web.replies[path] = Reply(encode(case, document), headers={})


def as_json(postings: Any) -> list[dict[str, Any]]:
    def plain(value: Any) -> Any:
        return value.isoformat() if hasattr(value, "isoformat") else list(value) if isinstance(value, tuple) else value

    return [{name: plain(value) for name, value in asdict(posting).items()} for posting in postings]


@every_source
def test_source_metadata_is_complete(case):
    source = case.source
    assert re.fullmatch(r"[a-z_]{2,40}", source.key)
    assert all((source.name, source.policy, source.board_hint))
    assert urlsplit(source.documentation).scheme == "https"
    assert source.match_url(urlsplit(source.example)) is not None
    assert "" in source.bases
    assert all(base.startswith("https://") and not base.endswith("/") for base in source.bases.values())
    assert set(source.error_messages) <= set(STATUS_ERRORS)
    assert all(message.endswith(".") for message in source.error_messages.values())
    assert 0.1 <= source.pace_seconds <= 30
    assert all(source.valid_board(board) == board and name for board, name in source.suggested)


@every_source
def test_match_url_finds_the_board_in_its_urls(case):
    found = {url: str(case.source.match_url(urlsplit(url))) for url in case.recognised}
    assert found == case.recognised
    assert case.source.match_url(urlsplit(case.source.page(case.of))) == case.of


@every_source
def test_match_url_ignores_other_urls(case):
    strangers = [url for other in EXAMPLES.values() if other is not case for url in other.recognised]
    for url in (*case.not_recognised, *strangers, "https://example.org/acme", "https://example.org"):
        assert case.source.match_url(urlsplit(url)) is None, url


@every_source
@given(name=st.text(max_size=30))
def test_board_token_cannot_leave_the_boards_path_or_host(case, name):
    try:
        board = case.source.board(name)
    except ValueError:
        return
    request = case.source.first_request(board)
    assert case.source.board(str(board)) == board
    assert ".." not in request.path.split("/")
    assert request.path.count("/") == case.source.first_request(Board("acme", board.region)).path.count("/")
    assert re.fullmatch(r"[!-~]+", request.path)
    template = case.source.bases[board.region]
    there, own = urlsplit(with_token(template, board)).netloc, urlsplit(template).netloc
    if case.source.fingerprints and is_own_domain(board.token):
        assert there == board.token
        return
    assert there == own or (is_label(there.partition(".")[0]) and there.partition(".")[2] == own.partition(".")[2])


@every_source
@pytest.mark.parametrize("name", ["", " ", "/", "..", "../x", "a/b", "a\\b", "a\nb", "a?b", "a#b", "a%2Fb", "mars:a"])
def test_board_token_that_is_invalid_is_refused(case, name):
    with pytest.raises(ValueError):
        case.source.board(name)


@every_source
def test_listing_of_the_example_board_is_as_expected(case, web, http_client):
    serve_example(case, web)
    listing = list_board(http_client, case.source.key, case.board)
    assert as_json(listing.postings) == case.expected
    assert listing.is_complete and not listing.unparsed and not listing.not_modified
    assert board_name(http_client, case.source, case.of, Deadline.of(10)) == case.name


@every_source
def test_postings_have_unique_ids_web_links_and_plain_texts(case):
    postings = [normalize(raw) for raw in parse(case, case.answers[case.main])[0]]
    assert len({posting["external_id"] for posting in case.expected}) == len(case.expected)
    for posting in postings:
        assert urlsplit(posting.url).scheme in ("http", "https")
        for text in filter(None, (posting.title, posting.description)):
            assert not re.search(r"</?(p|div|li|ul|strong|br)\b|&(amp|lt|gt|nbsp|quot);", text)
        for moment in filter(None, (posting.posted_at, posting.updated_at)):
            assert moment.utcoffset().total_seconds() == 0


@every_source
def test_parse_is_deterministic_and_ignores_the_order(case):
    document = case.answers[case.main]
    once, again = parse(case, document), parse(case, copy.deepcopy(document))
    assert once == again
    reversed_postings, _ = parse(case, changed(case, lambda records: records.reverse()))
    assert set(reversed_postings) == set(once[0])


@every_source
def test_listing_removes_duplicate_records(case, web, http_client):
    serve_example(case, web)
    serve_listing(case, web, changed(case, lambda records: records.extend(copy.deepcopy(records))))
    listing = list_board(http_client, case.source.key, case.board)
    assert as_json(listing.postings) == case.expected


@every_source
@pytest.mark.parametrize("damage", [None, "", "   ", 1.5, [], {}, True])
def test_parse_skips_and_counts_a_record_without_a_required_field(case, damage):
    if case.is_xml and isinstance(damage, float | bool):
        pytest.skip("In XML a number is text.")
    whole, _ = parse(case, case.answers[case.main])
    for name in case.required:
        postings, page = parse(case, changed(case, lambda records: records[0].__setitem__(name, damage)))
        assert len(postings) == len(whole) - 1
        assert page.faults.count == 1 and page.faults.places[0].endswith(name)


@every_source
def test_parse_reports_a_field_missing_from_every_record(case):
    for name in case.required:
        document = copy.deepcopy(case.answers[case.main])
        records = records_of(case, document)
        for index in case.unlisted:
            del records[index]
        for record in records:
            del record[name]
        with pytest.raises(ShapeChanged) as raised:
            parse(case, document)
        assert raised.value.field.endswith(name) and "missing" in raised.value.detail


@every_source
def test_parse_accepts_missing_and_odd_optional_fields(case):
    whole, _ = parse(case, case.answers[case.main])
    for name in set().union(*records_of(case, case.answers[case.main])) - set(case.required):
        for damage in (None, "", 7, [], {}, [None], {"name": None}, "odd"):
            postings, page = parse(case, changed(case, lambda records: [r.__setitem__(name, damage) for r in records]))
            assert page.faults.count == 0 and len(postings) >= len(whole)
        _, page = parse(case, changed(case, lambda records: [r.pop(name, None) for r in records]))
        assert page.faults.count == 0


@every_source
def test_parse_ignores_unknown_fields(case):
    document = changed(case, lambda records: [record.update(brand_new={"x": [1]}) for record in records])
    assert parse(case, document)[0] == parse(case, case.answers[case.main])[0]


@every_source
@pytest.mark.parametrize("body", [b"", b"null", b"7", b'"text"', b"true", b"{}", b"[", b"\xff\xfe\x00", b"[" * 100_000])
def test_parse_rejects_a_body_that_is_not_a_listing(case, body):
    with pytest.raises(SourceError):
        parse(case, body)


@every_source
def test_parse_rejects_a_truncated_body(case):
    body = encode(case, case.answers[case.main])
    for length in range(0, len(body) - 1, 97):
        with pytest.raises(ShapeChanged):
            parse(case, body[:length])


@every_source
def test_listing_of_an_empty_board_is_complete(case, web, http_client):
    serve_listing(case, web, case.empty)
    listing = list_board(http_client, case.source.key, case.board)
    assert (listing.postings, listing.is_complete, listing.unparsed) == ((), True, 0)


@every_source
@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(status=404), NotFound),
        (Reply(status=410), Gone),
        (Reply(status=401), Forbidden),
        (Reply(status=403), Forbidden),
        (Reply(status=429, headers={"Retry-After": "7200"}), Throttled),
        (Reply(status=301, headers={"Location": "https://elsewhere.example/"}), Moved),
        (Reply(b"<html><title>Just a moment...</title>"), Forbidden),
        (Reply(b"<html><title>We have moved house</title>"), ShapeChanged),
        (Reply(status=204), ShapeChanged),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else f"{value.status}{value.body[:30].decode()}",
)
def test_listing_maps_refusals_to_errors(case, web, http_client, reply, error):
    web.replies[case.main] = reply
    with pytest.raises(error):
        list_board(http_client, case.source.key, case.board)


@every_source
def test_listing_retries_a_response_that_breaks_off(case, web, http_client):
    serve_example(case, web)
    whole = web.replies[case.main]
    web.replies[case.main] = [replace(whole, cut=50), whole]
    assert as_json(list_board(http_client, case.source.key, case.board).postings) == case.expected


@every_source
def test_listing_gives_up_after_three_502_responses(case, web, http_client):
    web.replies[case.main] = Reply(status=502)
    with pytest.raises(Unreachable, match="502"):
        list_board(http_client, case.source.key, case.board)
    assert len(web.paths()) == 3


@every_source
def test_listing_sends_validators_and_accepts_304(case, web, http_client):
    serve_example(case, web)
    web.replies[case.main].headers["ETag"] = '"v1"'
    validators = list_board(http_client, case.source.key, case.board).validators
    if case.pages > 1:
        # The validators of one page do not cover the others.
        assert validators == Validators()
        return
    assert validators == Validators('"v1"', None, hashlib.sha256(web.replies[case.main].body).digest())
    web.replies[case.main] = Reply(status=304)
    listing = list_board(http_client, case.source.key, case.board, validators)
    assert listing.not_modified and listing.validators == validators
    assert web.requests[-1].headers["if-none-match"] == '"v1"'


@every_source
def test_parse_reduces_hostile_markup_to_its_text(case):
    def poison(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: poison(each) for name, each in value.items()}
        if isinstance(value, list):
            return [poison(each) for each in value]
        if isinstance(value, str) and ("<" in value or "&lt;" in value):
            return HOSTILE if "<" in value else html.escape(HOSTILE)
        return value

    document = changed(case, lambda records: records.__setitem__(slice(None), poison(records)))
    texts = [f"{each.description} {each.requirements}" for each in map(normalize, parse(case, document)[0])]
    assert any("Fine" in text and "print" in text for text in texts)
    assert not any(re.search("never|alert|hidden|onerror|script", text) for text in texts)


@every_source
@given(data=st.data())
def test_parse_survives_fuzzed_records(case, data):
    document = copy.deepcopy(case.answers[case.main])
    records = records_of(case, document)
    for _ in range(data.draw(st.integers(0, 4))):
        record = data.draw(st.sampled_from(records))
        if record and isinstance(record, dict):
            record[data.draw(st.sampled_from(sorted(record)))] = data.draw(JSON)
    if data.draw(st.booleans()):
        records.insert(0, data.draw(JSON))
    try:
        postings, _ = parse(case, document)
    except SourceError:
        return
    for raw in postings:
        normalize(raw)


@every_source
@given(body=st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_parse_survives_fuzzed_bodies(case, body):
    try:
        assert isinstance(parse(case, body)[1], Page)
    except SourceError:
        pass
