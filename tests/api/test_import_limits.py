"""Imports that cost much: counted before they are looked at, read value by value, with few faults in the answer."""

import tracemalloc

import pytest
from flask import json
from marshmallow import ValidationError

from app.concurrency.compute_pool import PARSING_POOL
from app.config.settings import MAX_BODY_BYTES, MAX_IMPORT_BYTES
from app.schemas.companies import ImportSchema
from tests.support.factories import sql
from tests.support.responses import problem

URL = "/api/ingestion/companies"
ACME = {"source": "greenhouse", "board": "acme", "name": "Acme"}
START, END = b'{"companies": [', b"]}"
ENTRY = json.dumps(ACME).encode()


def import_body(client, body: bytes):
    """Import this body."""
    return client.post(f"{URL}/import", data=body, content_type="application/json")


def refusal(client, body: bytes) -> dict:
    """Return the members of the refusal of a body, and check that nothing was imported."""
    members = problem(import_body(client, body), 422, "invalid_input")
    assert sql("SELECT count(*) FROM companies") == [(0,)]
    return members


def test_import_names_a_hundred_faults_and_counts_the_others(client):
    entries = [{**ACME, "board": f"b{number}", "include": [7] * 500, "exclude": [None] * 500} for number in range(20)]
    members = refusal(client, json.dumps({"companies": entries}).encode())
    assert list(members["errors"]) == [f"companies.0.include.{number}" for number in range(100)]
    assert members["more_errors"] == 20 * 1000 - 100


def test_company_with_many_faults_names_a_hundred(client):
    members = problem(client.post(URL, json={**ACME, **{f"m{n}": 1 for n in range(250)}}), 422, "invalid_input")
    assert (len(members["errors"]), members["more_errors"]) == (100, 150)
    members = problem(client.post(URL, json={**ACME, "include": [7] * 400}), 422, "invalid_input")
    assert (len(members["errors"]), members["more_errors"]) == (100, 300)


def test_few_faults_leave_nothing_to_count(client):
    assert "more_errors" not in problem(client.post(URL, json={**ACME, "more": 1}), 422, "invalid_input")


def test_fault_quotes_a_hundred_characters_of_a_name(client):
    name = "x" * 60_000
    for response in (client.post(URL, json={**ACME, name: 1}), client.get(f"/api/ingestion/runs?{name[:3000]}=1")):
        [path] = problem(response, 422, "invalid_input")["errors"]
        assert path == f"{'x' * 99}…"
    [path] = refusal(client, json.dumps({"companies": [{**ACME, name: 1}]}).encode())["errors"]
    assert path == f"companies.0.{'x' * 99}…"


def test_import_is_not_read_behind_the_thousandth_company(client):
    body = START + b",".join([b"7"] * 1000) + b", 7, this is not JSON"
    assert refusal(client, body)["errors"] == {"companies": ["At most 1000 companies."]}


@pytest.mark.parametrize("entry", [b"{},", b"[],", b'"",', b"7,", b"[["])
def test_import_is_read_in_little_memory(entry):
    """As Python objects, a body of 16 MiB takes up to 450 MB."""
    body = START + entry * ((MAX_IMPORT_BYTES - 100) // len(entry)) + b"7]}"
    tracemalloc.start()
    try:
        with pytest.raises((ValidationError, RecursionError)):
            ImportSchema().read(body)
        assert tracemalloc.get_traced_memory()[1] < MAX_IMPORT_BYTES / 4
    finally:
        tracemalloc.stop()


def test_imported_company_may_have_64_kib(client):
    entry = ENTRY[:-1] + b" " * (MAX_BODY_BYTES - len(ENTRY)) + b"}"
    assert import_body(client, START + entry + END + b" " * MAX_BODY_BYTES).json["added"] == 1
    sql("DELETE FROM companies")
    larger = START + ENTRY + b"," + entry[:-1] + b" }" + END + b" " * MAX_BODY_BYTES
    fault = "Is not valid JSON, or is larger than 64 KiB."
    assert refusal(client, larger)["errors"] == {"companies.1": [fault]}
    assert refusal(client, b'{"%b": 1}' % (b"x" * MAX_BODY_BYTES))["errors"] == {"_schema": [fault]}


def test_imported_company_with_too_many_members_is_refused(client):
    entry = {**ACME, **{f"m{number}": 1 for number in range(48)}}
    errors = refusal(client, json.dumps({"companies": [entry]}).encode())["errors"]
    assert errors == {"companies.0._schema": ["A company has at most 50 members."]}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "companies"),
        (b"{}", "companies"),
        (b"7", "_schema"),
        (b"[{}]", "_schema"),
        (b'{"companies": null}', "companies"),
        (b'{"more": 1, "companies": []}', "more"),
        (START + END[:1] + b', "more": 1}', "more"),
        (START + END[:1] + b', "companies": []}', "companies"),
    ],
)
def test_import_of_another_document_is_refused(client, body, field):
    assert list(refusal(client, body)["errors"]) == [field]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"nonsense",
        b'{"companies"',
        b"{7: []}",
        START,
        START + b"," + END,
        START + ENTRY + b"," + END,
        START + ENTRY + ENTRY + END,
        START + ENTRY + END + b"7",
        START + b'{"name": "\xff"}' + END,
        START + b'{"name": "\xed\xa0\x80"}' + END,
        START + b"[" * 30_000,
        START + b"9" * 5000 + END,
        json.dumps({"companies": []}).encode("utf-16"),
    ],
)
def test_import_that_is_not_json_is_400(client, body):
    problem(import_body(client, body), 400, "bad_request")


def test_import_keeps_surrogate_pairs_and_refuses_single_ones(client):
    for single in (b"\\ud800", b"\\ud800A", b"\\ud800\\u0041", b"\\udc00x", b"\\ude00\\ud83d"):
        errors = refusal(client, START + ENTRY.replace(b'"Acme"', b'"%b"' % single) + END)["errors"]
        assert list(errors) == ["companies.0.name"]
    pair = ENTRY.replace(b'"Acme"', b'"\\ud83d\\ude42 \xc3\xa9 \xf0\x9f\x99\x82"')
    assert import_body(client, START + pair + END).json["added"] == 1
    assert sql("SELECT name FROM companies") == [("🙂 é 🙂",)]


def test_import_reads_characters_across_the_end_of_a_window(client):
    """The reader decodes 64 KiB at a time; for some of these the end lies within the emoji."""
    for shift in range(4):
        first = json.dumps({**ACME, "board": f"b{shift}"}).encode()
        gap = b" " * (MAX_BODY_BYTES - len(first) - 20 + shift)
        second = json.dumps({**ACME, "board": f"c{shift}", "name": "🙂" * 20}, ensure_ascii=False).encode()
        assert import_body(client, START + first + b"," + gap + second + END).json["added"] == 2


def test_import_may_begin_with_a_byte_order_mark(client):
    assert import_body(client, b"\xef\xbb\xbf" + START + ENTRY + END).json["added"] == 1


def test_import_counts_the_faults_of_different_companies(client):
    entries = [ACME, {**ACME, "name": ""}, ACME, 7, {**ACME, "board": " acme "}]
    errors = refusal(client, json.dumps({"companies": entries}).encode())["errors"]
    assert list(errors) == ["companies.1.name", "companies.2.board", "companies.3._schema", "companies.4.board"]
    assert errors["companies.4.board"] == ["The same board as companies.0."]


def test_large_bodies_and_responses_are_computed_on_the_pool(client, monkeypatch):
    functions, run = [], PARSING_POOL.run

    def record(function, *arguments):
        functions.append(function.__qualname__)
        return run(function, *arguments)

    monkeypatch.setattr(PARSING_POOL, "run", record)
    assert import_body(client, START + ENTRY + END).status_code == 200
    assert client.get(URL).status_code == 200
    assert functions == ["ImportSchema.read", "_chunks"]
