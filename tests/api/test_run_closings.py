"""The question of a run over HTTP."""

import pytest

from tests.support.closings import add_jobs, close_postings, end, ended_run, job_states
from tests.support.factories import make_run, make_user
from tests.support.responses import HUGE_IDS, INVALID_IDS, problem


@pytest.fixture
def run_id(user_id) -> int:
    """An ended run that asks about 60 of 200 jobs."""
    add_jobs(user_id, "acme", 200)
    close_postings("acme", 60)
    return ended_run(user_id, "acme")


def answer(client, run_id: int | str, expire: object = True, **options):
    return client.post(f"/api/ingestion/runs/{run_id}/closings", json={"expire": expire}, **options)


@pytest.mark.parametrize(("expire", "expired"), [(True, 60), (False, 0)])
def test_answer_returns_the_question_in_full(client, run_id, expire, expired):
    response = answer(client, run_id, expire)
    assert response.status_code == 200
    [(name, found)] = response.json.items()
    assert found.pop("answered_at").endswith("+00:00")
    assert name == "closings"
    assert found == {"state": "answered", "count": 60, "open": 200, "expire": expire, "expired": expired}
    assert job_states("acme").get("expired", 0) == expired


def test_second_answer_is_409(client, run_id):
    answer(client, run_id, False)
    assert problem(answer(client, run_id), 409, "closings_answered") == {}


def test_answer_to_a_superseded_question_is_409(client, run_id, user_id):
    ended_run(user_id, "acme")
    assert problem(answer(client, run_id), 409, "closings_superseded") == {}


def test_answer_to_a_run_without_a_question_is_409(client, user_id):
    assert problem(answer(client, end(make_run("pending", user_id))), 409, "no_closings") == {}


def test_answer_during_a_run_is_409_with_its_id(client, run_id, user_id):
    active = make_run("pending", user_id)
    assert problem(answer(client, run_id), 409, "run_active") == {"run_id": active}


def test_question_of_another_user_looks_like_a_missing_run(client, run_id):
    other = make_run("finished", make_user("other@example.org"))
    bodies = []
    for each in (other, 4040):
        response = answer(client, each, headers={"X-Request-ID": "same"})
        assert problem(response, 404, "run_not_found") == {}
        bodies.append(response.text.replace(str(each), "N"))
    assert bodies[0] == bodies[1]


@pytest.mark.parametrize("run_id", INVALID_IDS + HUGE_IDS)
def test_answer_to_an_invalid_run_id_is_404(client, run_id):
    problem(answer(client, run_id), 404, "not_found")


@pytest.mark.parametrize("body", [{}, {"expire": None}, {"expire": "yes"}, {"expire": 1}, {"expire": True, "x": 1}, []])
def test_answer_that_is_no_boolean_is_422(client, run_id, body):
    response = client.post(f"/api/ingestion/runs/{run_id}/closings", json=body)
    assert "errors" in problem(response, 422, "invalid_input")
    assert job_states("acme") == {"ready": 200}
