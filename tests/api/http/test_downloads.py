"""Large responses: how many a user may receive at a time."""

from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from app.api.http import downloads
from app.api.http.connections import SEND_BUFFER_BYTES
from app.api.http.downloads import MAX_DOWNLOADS
from tests.support.accounts import HOST, in_browser, person

PATH = "/api/ingestion/companies"

TERMS = [f"{number} {'x' * 90}" for number in range(50)]


def add_companies(client, **options) -> None:
    """Add companies with so many terms that the list is large."""
    fields = {"source": "greenhouse", "name": "A", "include": TERMS, "exclude": TERMS}
    entries = [{**fields, "board": f"board{number}"} for number in range(SEND_BUFFER_BYTES // 8000)]
    assert client.post(f"{PATH}/import", json={"companies": entries}, **options).status_code == 200


@pytest.mark.parametrize("path", [PATH, f"{PATH}/export"])
def test_large_responses_of_a_user_are_limited_until_they_are_sent(client, path, monkeypatch):
    monkeypatch.setattr(downloads, "WAIT_SECONDS", 0.01)
    add_companies(client)
    unread = [client.get(path, buffered=False) for _ in range(MAX_DOWNLOADS)]
    refused = client.get(path, buffered=False)
    assert (refused.status_code, refused.json["code"]) == (429, "too_many_downloads")
    assert refused.headers["Retry-After"]
    unread[0].close()
    unread[0] = client.get(path, buffered=False)
    assert [response.status_code for response in unread] == [200] * MAX_DOWNLOADS
    for response in unread:
        response.close()


def test_large_response_waits_until_another_is_sent(app, client):
    add_companies(client)
    unread = [client.get(PATH, buffered=False) for _ in range(MAX_DOWNLOADS)]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(app.test_client().get, PATH, buffered=False)
        assert not wait([waiting], 0.2).done
        unread.pop().close()
        assert waiting.result().status_code == 200
        waiting.result().close()
    for response in unread:
        response.close()


def test_large_responses_are_limited_for_each_user_by_themselves(accounts_app, monkeypatch):
    monkeypatch.setattr(downloads, "WAIT_SECONDS", 0.01)
    person(accounts_app, "ann@example.org")
    person(accounts_app, "ben@example.org")
    ann, ben = in_browser(accounts_app, "ann@example.org"), in_browser(accounts_app, "ben@example.org")
    options = {"base_url": "https://jobs.example.org", "headers": {**HOST, "Origin": "https://jobs.example.org"}}
    add_companies(ann.client, **options)
    unread = [ann.client.get(PATH, buffered=False, **options) for _ in range(MAX_DOWNLOADS)]
    assert ann.call("GET", "ingestion/companies").status_code == 429
    assert ben.call("GET", "ingestion/companies").status_code == 200
    for response in unread:
        response.close()


def test_small_and_failed_responses_do_not_count(client):
    unread = [client.get(PATH, buffered=False) for _ in range(MAX_DOWNLOADS + 1)]
    assert {response.status_code for response in unread} == {200}
    for _ in range(MAX_DOWNLOADS + 1):
        assert client.get("/api/ingestion/dry-run/999").status_code == 404
