"""The operator's ``flask users …``."""

import pytest

from tests.support.accounts import PASSWORD, Visitor, person
from tests.support.factories import make_run, sql

ANN = "ann@example.org"


@pytest.fixture
def invoke(app):
    def run(*words: str, stdin: str = "") -> tuple[int, str]:
        result = app.test_cli_runner().invoke(args=["users", *words], input=stdin)
        return result.exit_code, result.output

    return run


def test_a_user_is_added_with_a_password_from_standard_input(invoke, accounts_app):
    assert invoke("add", "Ann@Example.org", "--password-stdin", stdin=f"{PASSWORD}\n") == (0, f"User {ANN} added\n")
    assert Visitor(accounts_app).sign_in(ANN).status_code == 204


def test_without_it_the_password_is_asked_for_twice_and_not_shown(invoke, accounts_app):
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
        (["add", ANN, "--password-stdin"], "", "A password must have 12 to 1024 characters."),
        (["password", "nobody@example.org", "--password-stdin"], PASSWORD, "There is no user nobody@example.org."),
        (["token", "nobody@example.org"], "", "There is no user nobody@example.org."),
        (["remove", "nobody@example.org", "--yes"], "", "There is no user nobody@example.org."),
    ],
)
def test_what_cannot_be_done_is_told_in_a_sentence_and_changes_nothing(invoke, words, stdin, sentence):
    code, output = invoke(*words, stdin=stdin)
    assert code == 1
    assert sentence in output.splitlines()[-1]
    assert sql("SELECT count(*) FROM users") == [(0,)]


def test_an_address_is_taken_whatever_its_case(invoke, app):
    person(app, ANN)
    code, output = invoke("add", "ANN@example.org", "--password-stdin", stdin=PASSWORD)
    assert (code, output) == (1, "Error: There is already a user ANN@example.org.\n")


def test_a_new_password_ends_every_session_and_token(invoke, accounts_app):
    person(accounts_app, ANN)
    visitor = Visitor(accounts_app)
    visitor.sign_in(ANN)
    code, _ = invoke("password", ANN, "--password-stdin", stdin="a whole new password\n")
    assert code == 0
    assert visitor.call("GET", "auth/me").status_code == 401
    assert visitor.sign_in(ANN, "a whole new password").status_code == 204


def test_a_token_stands_alone_on_standard_output(flask_command, accounts_app):
    person(accounts_app, ANN)
    done = flask_command("users", "token", ANN, "--name", "backup", "--days", "7")
    assert done.returncode == 0
    [token] = done.stdout.splitlines()
    assert Visitor(accounts_app, Authorization=f"Bearer {token}").call("GET", "auth/me").json["email"] == ANN
    assert token not in done.stderr


def test_everybody_is_listed(invoke, accounts_app):
    person(accounts_app, ANN)
    Visitor(accounts_app).sign_in(ANN)
    code, output = invoke("list")
    header, line = output.splitlines()
    assert code == 0
    assert header.split() == "USER EMAIL CREATED LAST SIGN-IN SESSIONS AND TOKENS".split()
    assert ANN in line and line.endswith(" 1")


def test_removing_asks_and_takes_the_runs_along(invoke, app):
    make_run("pending", person(app, ANN))
    code, output = invoke("remove", ANN, stdin="n\n")
    assert (code, "Aborted!" in output) == (1, True)
    assert sql("SELECT count(*) FROM ingestion_runs") == [(1,)]
    assert invoke("remove", ANN, stdin="y\n")[0] == 0
    assert sql("SELECT count(*) FROM ingestion_runs") == [(0,)]
