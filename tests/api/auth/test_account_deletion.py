"""The deletion of an account by its user."""

from app.services.accounts import users
from tests.api.conftest import ANN
from tests.support.accounts import PASSWORD, Visitor, in_browser, with_token
from tests.support.factories import row, sql
from tests.support.responses import problem


def test_deletion_ends_sessions_tokens_and_the_run(accounts_app, ann):
    with accounts_app.app_context():
        user_id = users.get_by_email(ANN).user_id
    browser, curl = in_browser(accounts_app, ANN), with_token(accounts_app, user_id)
    run_id = browser.call("POST", "ingestion/start").json["run_id"]
    response = browser.call("POST", "auth/delete", {"password": PASSWORD})
    assert (response.status_code, response.data) == (204, b"")
    [cookie] = response.headers.getlist("Set-Cookie")
    assert cookie.startswith("__Host-session=;") and "Max-Age=0" in cookie
    assert row(run_id).status == "aborted"
    for visitor in (browser, curl):
        problem(visitor.call("GET", "auth/me"), 401, "unauthenticated")
    problem(Visitor(accounts_app).call("POST", "auth/login", {"email": ANN, "password": PASSWORD}), 401,
            "sign_in_refused")


def test_deletion_with_a_wrong_password_changes_nothing(accounts_app, ann):
    browser = in_browser(accounts_app, ANN)
    members = problem(browser.call("POST", "auth/delete", {"password": "wrong"}), 422, "wrong_password")
    assert list(members["errors"]) == ["password"]
    assert browser.call("GET", "auth/me").status_code == 200
    assert sql("SELECT FROM users WHERE removed_at IS NOT NULL") == []
