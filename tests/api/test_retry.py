"""Retries over HTTP."""

import pytest

from tests.support.factories import make_run, make_user, row
from tests.support.previews import company
from tests.support.responses import problem
from tests.support.run_rows import end_units
from tests.support.starts import start_run


@pytest.fixture
def failed_run(user_id) -> int:
    company(user_id, "bad")
    run_id = start_run(user_id)
    end_units(run_id, {"bad": "failed"})
    return run_id


def test_retry_answers_201_with_the_location_of_the_new_run(client, failed_run):
    response = client.post(f"/api/ingestion/runs/{failed_run}/retry")
    assert response.status_code == 201
    run_id = response.json["run_id"]
    assert response.json == {"run_id": run_id} and row(run_id).retry_of == failed_run
    assert client.get(response.headers["Location"]).json["run_id"] == run_id


def test_retry_replays_a_repeated_request(client, failed_run):
    headers = {"Idempotency-Key": '"k"'}
    first, again = [client.post(f"/api/ingestion/runs/{failed_run}/retry", headers=headers) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json == first.json and again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    problem(client.post("/api/ingestion/start", headers=headers), 422, "idempotency_key_reused")


def test_retry_refusals_have_codes(client, user_id, failed_run):
    url = "/api/ingestion/runs/{}/retry"
    assert problem(client.post(url.format(999)), 404, "run_not_found") == {}
    other = make_run("finished", make_user("other@example.org"))
    assert problem(client.post(url.format(other)), 404, "run_not_found") == {}
    ended = make_run("finished", user_id)
    assert problem(client.post(url.format(ended)), 409, "nothing_to_retry") == {}
    active = start_run(user_id)
    assert problem(client.post(url.format(failed_run)), 409, "run_active") == {"run_id": active}
    assert problem(client.post(url.format(active)), 409, "run_not_ended") == {}
