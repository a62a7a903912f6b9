"""The command line for users."""

import os
import signal
from threading import Thread

import pytest

from app.models import MAX_TOKENS
from tests.support.accounts import PASSWORD, Visitor, person
from tests.support.factories import insert_companies, make_run, open_transaction, sql
from tests.support.waiting import wait_until

ANN = "ann@example.org"
REMOVED = f"Error: User {ANN} is removed. The product deletes the rest of their rows by itself."


@pytest.fixture
def invoke(app):
    def run(*words: str, stdin: str = "") -> tuple[int, str]:
        result = app.test_cli_runner().invoke(args=["users", *words], input=stdin)
        return result.exit_code, result.output

    return run


def test_add_reads_the_password_from_standard_input(invoke, accounts_app):
    assert invoke("add", "Ann@Example.org", "--password-stdin", stdin=f"{PASSWORD}\n") == (0, f"User {ANN} added\n")
    assert Visitor(accounts_app).sign_in(ANN).status_code == 204


def test_add_prompts_for_the_password_twice_and_hides_it(invoke, accounts_app):
    code, output = invoke("add", ANN, stdin=f"{PASSWORD}\nanother one\n{PASSWORD}\n{PASSWORD}\n")
    assert code == 0
    assert output.count("Password:") == 2 and PASSWORD not in output
    assert Visitor(accounts_app).sign_in(ANN).status_code == 204


@pytest.mark.parametrize(
    ("words", "stdin", "sentence"),
    [
        (["add", "no-address", "--password-stdin"], PASSWORD, "'no-address' is not a valid e-mail address"),
        (["add", f"{'a' * 250}@b.org", "--password-stdin"], PASSWORD, "is not a valid e-mail address"),
        (["add", "a b@example.org", "--password-stdin"], PASSWORD, "is not a valid e-mail address"),
        (["add", "\u00e4nn@example.org", "--password-stdin"], PASSWORD, "is not a valid e-mail address"),
        (["add", ANN, "--password-stdin"], PASSWORD + "\x00", "A password must have 12 to 1024 characters."),
        (["add", ANN, "--password-stdin"], "short", "A password must have 12 to 1024 characters."),
        (["add", ANN, "--password-stdin"], "e\u0301" * 7, "A password must have 12 to 1024 characters."),
        (["add", ANN, "--password-stdin"], "", "A password must have 12 to 1024 characters."),
        (["password", "nobody@example.org", "--password-stdin"], PASSWORD, "There is no user nobody@example.org."),
        (["token", "nobody@example.org"], "", "There is no user nobody@example.org."),
        (["remove", "nobody@example.org", "--yes"], "", "There is no user nobody@example.org."),
    ],
)
def test_refused_command_prints_a_sentence_and_changes_nothing(invoke, words, stdin, sentence):
    code, output = invoke(*words, stdin=stdin)
    assert code == 1
    assert sentence in output.splitlines()[-1]
    assert sql("SELECT count(*) FROM users") == [(0,)]


def test_add_refuses_an_email_that_differs_in_case_alone(invoke, app):
    person(app, ANN)
    code, output = invoke("add", "ANN@example.org", "--password-stdin", stdin=PASSWORD)
    assert (code, output) == (1, "Error: There is already a user ANN@example.org.\n")


def test_password_ends_every_session_and_token(invoke, accounts_app):
    person(accounts_app, ANN)
    visitor = Visitor(accounts_app)
    visitor.sign_in(ANN)
    code, _ = invoke("password", ANN, "--password-stdin", stdin="a whole new password\n")
    assert code == 0
    assert visitor.call("GET", "auth/me").status_code == 401
    assert visitor.sign_in(ANN, "a whole new password").status_code == 204


def test_token_prints_nothing_but_the_token(flask_command, accounts_app):
    person(accounts_app, ANN)
    done = flask_command("users", "token", ANN, "--name", "backup", "--days", "7")
    assert done.returncode == 0
    [token] = done.stdout.splitlines()
    assert Visitor(accounts_app, Authorization=f"Bearer {token}").call("GET", "auth/me").json["email"] == ANN
    assert token not in done.stderr


def test_token_beyond_the_maximum_is_refused_with_a_sentence(invoke, app):
    person(app, ANN)
    assert {invoke("token", ANN)[0] for _ in range(MAX_TOKENS)} == {0}
    sentence = "Error: ann@example.org has 50 tokens, the maximum. They can revoke some on their account page.\n"
    assert invoke("token", ANN) == (1, sentence)


def test_list_shows_every_user(invoke, accounts_app):
    person(accounts_app, ANN)
    Visitor(accounts_app).sign_in(ANN)
    code, output = invoke("list")
    header, line = output.splitlines()
    assert code == 0
    assert header.split() == "USER EMAIL CREATED LAST SIGN-IN SESSIONS AND TOKENS".split()
    assert ANN in line and line.endswith(" 1")


def test_remove_asks_for_confirmation_and_removes_the_runs(invoke, app):
    make_run("pending", person(app, ANN))
    code, output = invoke("remove", ANN, stdin="n\n")
    assert (code, "Aborted!" in output) == (1, True)
    assert sql("SELECT count(*) FROM ingestion_runs") == [(1,)]
    assert invoke("remove", ANN, stdin="y\n")[0] == 0
    assert sql("SELECT count(*) FROM ingestion_runs") == [(0,)]


def test_remove_that_is_locked_out_says_that_the_user_is_removed(invoke, app):
    person(app, ANN)
    insert_companies(sql("SELECT user_id FROM users")[0].user_id, 1)
    with open_transaction("SELECT FROM companies FOR UPDATE"):
        code, output = invoke("remove", ANN, "--yes")
    assert (code, output.splitlines()[-1]) == (1, REMOVED)


def test_interrupted_remove_says_that_the_user_is_removed(invoke, app):
    user_id = person(app, ANN)
    insert_companies(user_id, 1)

    def interrupt_the_removal_of_rows() -> None:
        waits = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        with app.app_context():
            wait_until(lambda: sql(waits), what="the removal that waits for the company")
        os.kill(os.getpid(), signal.SIGINT)

    interrupter = Thread(target=interrupt_the_removal_of_rows)
    with open_transaction("SELECT FROM companies FOR UPDATE"):
        interrupter.start()
        code, output = invoke("remove", ANN, "--yes")
    interrupter.join()
    assert (code, output.splitlines()[-1]) == (1, REMOVED)
    assert sql("SELECT count(*) FROM companies") == [(1,)]
