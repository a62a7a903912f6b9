"""The command line for jobs."""

import pytest

from tests.support.factories import make_run
from tests.support.previews import company
from tests.support.run_units import add_event, add_job, other_user


@pytest.fixture
def invoke(app):
    """Return a function that runs a command in this process and returns its exit code and output."""

    def run(*words: str) -> tuple[int, str]:
        done = app.test_cli_runner().invoke(args=["jobs", *words])
        return done.exit_code, done.output

    return run


def test_list_shows_the_jobs_of_all_users_newest_first(invoke, user_id):
    company(user_id, "acme")
    add_job(user_id, "Cook", locations=["Berlin", "Bonn"])
    other = other_user()
    add_job(other, None, company_name=None)
    code, output = invoke("list")
    heading, *rows = [line.split() for line in output.splitlines()]
    assert (code, heading) == (0, ["JOB", "USER", "COMPANY", "TITLE", "PLACE", "STATE", "FOUND"])
    assert rows[0][:6] == ["2", str(other), "greenhouse:acme", "-", "-", "unfollowed"]
    assert rows[1][:7] == ["1", str(user_id), "Acme", "Cook", "Berlin;", "Bonn", "open"]


def test_line_of_the_list_fits_a_hundred_columns(invoke, user_id):
    add_job(user_id, "Senior Engineer " * 9, company_name="Birch & Partners " * 5, locations=["Frankfurt am Main"] * 9)
    assert max(map(len, invoke("list")[1].splitlines())) <= 100


def test_list_can_be_filtered_and_reports_older_jobs(invoke, user_id):
    for status in ("ready", "expired", "expired"):
        add_job(user_id, status=status)
    add_job(other_user(), status="expired")
    _, output = invoke("list", "--user", str(user_id), "--state", "gone", "--limit", "1")
    assert [line.split()[0] for line in output.splitlines()[1:2]] == ["3"]
    assert "There are older jobs; show more with --limit 2." in output
    assert "older" not in invoke("list", "--user", str(user_id), "--state", "gone", "--limit", "2")[1]


def test_show_prints_a_job_and_its_history(invoke, user_id):
    company(user_id, "acme", include=("cook",))
    run_id = make_run("finished", user_id)
    job_id = add_job(user_id, "Cook", description="x" * 30, locations=["Berlin"])
    add_event(job_id, run_id, listing_id=4)
    add_event(job_id, run_id, "changed", fields=["title", "pay"])
    code, output = invoke("show", str(job_id))
    facts = dict(line.split(None, 1) for line in output.splitlines())
    assert code == 0
    assert (facts["title"], facts["state"], facts["locations"]) == ("Cook", "open", "Berlin")
    assert (facts["rule"], facts["description"], facts["requirements"]) == ("include cook", "30 characters", "-")
    first, second = output.splitlines()[-2:]
    assert first.startswith("  1. ") and first.endswith(f"new  -  run {run_id}, listing 4")
    assert second.endswith(f"changed  title, pay  run {run_id}, listing -")


@pytest.mark.parametrize("words", [("list",), ("show", "1")])
def test_texts_of_boards_cannot_control_the_terminal(invoke, user_id, words):
    evil = "Cook\x1b[2J\r\n\x07\u202e\x9b31m"
    job_id = add_job(
        user_id, evil, external_id=evil, company_name=evil, locations=[evil], employment_type=evil, company=evil,
        url=f"https://example.org/{evil}",
    )
    add_event(job_id, make_run("finished", user_id), "changed", fields=[evil])
    code, output = invoke(*words)
    assert code == 0
    assert "Cook" in output
    assert not set("\x1b\r\x07\u202e\x9b") & set(output)


def test_unknown_job_is_reported_in_a_sentence(invoke):
    assert invoke("show", "77") == (1, "Error: There is no job 77.\n")


@pytest.mark.parametrize(
    "words",
    [("show", "0"), ("show", "abc"), ("show", "9" * 20), ("list", "--state", "closed"), ("list", "--limit", "0")],
)
def test_impossible_values_are_usage_errors(invoke, words):
    code, output = invoke(*words)
    assert code == 2
    assert "Error: Invalid value for" in output
