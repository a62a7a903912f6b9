"""The command line for runs, mostly in this process; tests/faults runs whole commands."""

import pytest

from app.services.runs import transitions
from tests.support.factories import make_run, make_user, row, sql, timeline
from tests.support.run_units import add_unit, insert
from tests.support.starts import start_run


@pytest.fixture
def invoke(app):
    """Return a function that runs a command in this process and returns its exit code and output."""

    def run(*words: str) -> tuple[int, str]:
        done = app.test_cli_runner().invoke(args=["runs", *words])
        return done.exit_code, done.output

    return run


def test_list_shows_the_runs_of_all_users_newest_first(invoke):
    make_run("finished")
    make_run("pending", make_user("other@example.org"))
    code, output = invoke("list")
    lines = output.splitlines()
    assert code == 0
    assert lines[0].split()[:3] == ["RUN", "USER", "STATUS"]
    assert [line.split()[:3] for line in lines[1:]] == [["2", "2", "pending"], ["1", "1", "finished"]]


def test_list_can_be_filtered_and_reports_older_runs(invoke):
    for status in ("finished", "error", "error"):
        make_run(status)
    _, output = invoke("list", "--status", "error", "--limit", "1")
    assert [line.split()[0] for line in output.splitlines()[1:2]] == ["3"]
    assert "There are older runs; show more with --limit 2." in output
    assert "3" not in invoke("list", "--user", "99")[1]


def test_show_prints_a_run_and_its_timeline(invoke):
    run_id = make_run("ingesting")
    transitions.fail(run_id, "The board vanished.")
    code, output = invoke("show", str(run_id))
    assert code == 0
    assert "The board vanished." in output
    assert "1. " in output and "start -> ingesting  by sql:app" in output
    assert "2. " in output and "ingesting -> error  by worker" in output


def test_list_shows_companies_and_jobs(invoke):
    run_id = make_run("ingesting", companies_total=2, total_jobs=30)
    add_unit(run_id, 1, "acme", "failed")
    make_run("finished", make_user("other@example.org"), total_jobs=None)
    heading, *rows = [line.split() for line in invoke("list")[1].splitlines()]
    assert heading[3:6] == ["COMPANIES", "FAILED", "JOBS"]
    assert [row[3:6] for row in rows] == [["-", "0", "-"], ["2", "1", "30"]]


def test_show_prints_the_companies_with_their_counts(invoke):
    run_id = make_run("ingesting", companies_total=2, note="A note.", deadline_at="2026-01-02")
    add_unit(run_id, 1, "acme", "taken_in", found=9, unparsed=0, new_jobs=2, unchanged_jobs=5)
    add_unit(run_id, 2, "beta", "failed", outcome="gone", detail="The board is gone.", expired_jobs=3)
    insert("run_closings", run_id=run_id, user_id=make_user(), count=70, open=100)
    code, output = invoke("show", str(run_id))
    lines = output.splitlines()
    facts = dict(line.split(None, 1) for line in lines)
    assert code == 0
    assert (facts["note"], facts["deadline_at"]) == ("A note.", "2026-01-02 00:00:00Z")
    assert facts["closings"] == "expire 70 of 100 open jobs? asked"
    assert (facts["companies_taken_in"], facts["companies_failed"], facts["jobs_new"]) == ("1", "1", "2")
    assert [" ".join(line.split()) for line in lines[-5:]] == [
        "2. failed gone Beta (greenhouse:beta)",
        "3 expired",
        "The board is gone.",
        "1. taken_in ok Acme (greenhouse:acme)",
        "9 found, 7 matched: 2 new, 0 changed, 0 reopened, 5 unchanged",
    ]


def test_lines_of_runs_and_companies_fit_a_hundred_columns(invoke):
    run_id = make_run("finished", companies_total=300, total_jobs=123_456)
    counts = {"found": 9_999, "unparsed": 12, "expired_jobs": 120, "held_closings": 60}
    jobs = {"new_jobs": 1_234, "changed_jobs": 123, "reopened_jobs": 12, "unchanged_jobs": 3_210}
    add_unit(run_id, 300, "birch-and-partners-holding", "taken_in", name="Birch & Partners Holding", **counts, **jobs)
    lines = invoke("list")[1].splitlines() + invoke("show", str(run_id))[1].splitlines()
    assert max(map(len, lines)) <= 100


def test_show_prints_the_answer_about_closings(invoke):
    run_id = make_run("finished")
    answer = {"state": "answered", "expire": True, "expired": 60, "answered_at": "2026-01-02"}
    insert("run_closings", run_id=run_id, user_id=make_user(), count=70, open=100, **answer)
    expected = "expire 70 of 100 open jobs? answered yes at 2026-01-02 00:00:00Z; 60 expired"
    assert expected in invoke("show", str(run_id))[1]


def test_texts_of_a_run_cannot_control_the_terminal(invoke):
    evil = "Acme\x1b[2J\r\n\x07\u202e\x9b31m"
    run_id = make_run("error", error_message=evil, note=evil)
    add_unit(run_id, 1, "acme", "failed", name=evil, detail=evil)
    code, output = invoke("show", str(run_id))
    assert (code, output.count("Acme")) == (0, 4)
    assert not set("\x1b\r\x07\u202e\x9b") & set(output)


def test_abort_is_recorded_as_the_operators(invoke):
    run_id = make_run("pending", make_user("other@example.org"))
    assert invoke("abort", str(run_id)) == (0, f"Run {run_id} aborted\n")
    assert row(run_id).status == "aborted"
    assert timeline(run_id)[-1].actor == "operator"
    assert invoke("abort", str(run_id))[0] == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("show", "77"), "Error: There is no run 77.\n"),
        (("abort", "77"), "Error: There is no run 77.\n"),
    ],
)
def test_unknown_run_is_reported_in_a_sentence(invoke, words, sentence):
    assert invoke(*words) == (1, sentence)


def test_abort_of_an_ended_run_is_refused(invoke):
    run_id = make_run("finished")
    assert invoke("abort", str(run_id)) == (1, f"Error: Run {run_id} cannot be aborted: its status is finished.\n")


@pytest.mark.parametrize("run_id", ["abc", "-1", "0", "99999999999999999999"])
def test_show_of_an_impossible_id_is_a_usage_error(invoke, run_id):
    code, output = invoke("show", "--", run_id)
    assert code == 2
    assert "Invalid value for 'ID'" in output


def test_reconcile_once_prints_the_number_of_published_runs(invoke, broker):
    make_run("pending")
    sql("UPDATE ingestion_runs SET next_dispatch_at = now()")
    assert invoke("reconcile", "--once") == (0, "1 run published\n")
    assert invoke("reconcile", "--once") == (0, "0 runs published\n")


def test_list_of_an_impossible_user_is_a_usage_error(invoke):
    code, output = invoke("list", "--user", "9" * 23)
    assert code == 2
    assert output.splitlines()[-1].startswith("Error: Invalid value for '--user'")


@pytest.mark.parametrize(
    ("words", "environment", "sentence"),
    [
        (["--port", "1"], {"AUTH": "accounts"}, "AUTH=accounts needs a SECRET_KEY"),
        (["--host", "0.0.0.0"], {"AUTH": "local"}, "AUTH=local serves this machine only: listen on 127.0.0.1"),
    ],
)
def test_flask_run_refuses_what_gunicorn_refuses(flask_command, words, environment, sentence):
    done = flask_command("run", *words, **environment)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_reconcile_once_without_redis_is_an_error(flask_command):
    done = flask_command("runs", "reconcile", "--once", REDIS_URL="redis+socket:///nowhere/redis.sock")
    assert done.returncode == 1
    sentence = "Error: Redis does not answer. The pending runs are safe; start Redis and try again."
    assert done.stderr.splitlines()[-1] == sentence


@pytest.mark.parametrize(
    "words", [("runs", "list"), ("runs", "reconcile", "--once"), ("db", "upgrade"), ("db", "current")]
)
def test_commands_without_a_database_end_with_a_sentence(flask_command, words):
    done = flask_command(*words, DATABASE_URL="postgresql://nobody:secret@127.0.0.1:1/none")
    assert done.returncode == 1
    assert "PostgreSQL: connection" in done.stderr and "refused" in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr


def test_command_with_bad_settings_prints_a_sentence_for_each(flask_command):
    done = flask_command("runs", "list", PORT="abc", WEB_THREADS="0")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "PORT must be a whole number from 1 to 65535.",
        "WEB_THREADS must be a whole number from 1 to 128.",
    ]


def test_show_works_in_its_own_process(flask_command, user_id):
    run_id = start_run(user_id)
    done = flask_command("runs", "show", str(run_id))
    assert (done.returncode, done.stderr) == (0, "")
    assert "pending" in done.stdout
