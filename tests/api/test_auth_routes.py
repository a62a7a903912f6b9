"""Signing in and out, sessions and tokens, and the password: from a browser and from curl."""

import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from app import create_app
from app.errors import Unauthenticated
from app.extensions import db
from app.models import CredentialKind
from app.services.accounts import credentials, passwords, users
from tests.api.conftest import ANN
from tests.support.accounts import PASSWORD, Visitor, in_browser
from tests.support.factories import open_transaction, sql
from tests.support.responses import problem
from tests.support.waiting import wait_until

NEW_PASSWORD = "a whole new password"


def test_login_sets_a_secure_http_only_host_cookie(accounts_app, ann):
    response = Visitor(accounts_app).sign_in(ANN)
    assert (response.status_code, response.data) == (204, b"")
    [cookie] = response.headers.getlist("Set-Cookie")
    assert cookie.startswith("__Host-session=")
    flags = {part.strip().split("=")[0] for part in cookie.split(";")[1:]}
    assert {"Secure", "HttpOnly", "Path", "SameSite"} <= flags
    assert "SameSite=Lax" in cookie and "Path=/" in cookie and "Domain" not in cookie


def test_login_ignores_case_and_blanks_of_the_email_address(accounts_app, ann):
    assert Visitor(accounts_app).sign_in("  ANN@Example.ORG ").status_code == 204


def test_login_does_not_reveal_which_email_addresses_exist(accounts_app, ann):
    sql("INSERT INTO users (email) VALUES ('no-password@example.org')")
    responses = [
        Visitor(accounts_app).call("POST", "auth/login", {"email": email, "password": "wrong"}, X_Request_ID="same")
        for email in (ANN, "nobody@example.org", "no-password@example.org")
    ]
    assert {response.status_code for response in responses} == {401}
    assert len({response.data for response in responses}) == 1
    assert len({str(sorted(response.headers)) for response in responses}) == 1
    problem(responses[0], 401, "sign_in_refused")
    assert not any("Set-Cookie" in response.headers for response in responses)


@pytest.mark.parametrize("email", [ANN, "nobody@example.org"])
def test_login_costs_an_argon2_for_unknown_addresses_too(accounts_app, ann, email, monkeypatch):
    verified, hasher = [], passwords.HASHER

    class Counting:
        def verify(self, password_hash, password):
            verified.append(password_hash.split("$")[1])
            return hasher.verify(password_hash, password)

    monkeypatch.setattr(passwords, "HASHER", Counting())
    Visitor(accounts_app).sign_in(email, "wrong")
    assert verified == ["argon2id"]


def test_login_is_refused_if_the_password_changes_during_it(accounts_app, ann, monkeypatch):
    """The password changes between its verification and the insertion of the session."""

    class ChangesPassword:
        def verify(self, password_hash, password):
            matches = hasher.verify(password_hash, password)
            monkeypatch.setattr(passwords, "HASHER", hasher)
            users.set_password(ann, NEW_PASSWORD)
            return matches

    hasher = passwords.HASHER
    monkeypatch.setattr(passwords, "HASHER", ChangesPassword())
    problem(Visitor(accounts_app).sign_in(ANN), 401, "sign_in_refused")
    assert sql("SELECT count(*) FROM credentials") == [(0,)]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["email", "password"]),
        ({"email": ANN}, ["password"]),
        ({"email": "", "password": ""}, ["email", "password"]),
        ({"email": 5, "password": None}, ["email", "password"]),
        ({"email": ["a"], "password": {"a": 1}}, ["email", "password"]),
        ({"email": "a" * 256, "password": "a" * 1025}, ["email", "password"]),
        ({"email": "a\x00b", "password": "\x00"}, ["email", "password"]),
        ({"email": "\ud800", "password": "\udfff"}, ["email", "password"]),
        ({"email": ANN, "password": PASSWORD, "admin": True}, ["admin"]),
    ],
)
def test_login_refuses_invalid_fields(accounts_app, ann, body, fields):
    members = problem(Visitor(accounts_app).call("POST", "auth/login", body), 422, "invalid_input")
    assert sorted(members["errors"]) == fields


def test_session_and_token_are_the_same_user(browser, curl, ann):
    for visitor in (browser, curl):
        assert visitor.call("GET", "auth/me").json == {
            "auth": "accounts", "user_id": ann, "email": ANN, "name": None
        }
    run_id = browser.call("POST", "ingestion/start").json["run_id"]
    assert curl.call("GET", "ingestion/current-run").json == {"run_id": run_id}


def test_logout_ends_the_session_on_the_server_and_may_be_repeated(browser, accounts_app):
    cookie = browser.client.get_cookie("__Host-session", domain="jobs.example.org").value
    assert browser.call("POST", "auth/logout").status_code == 204
    assert browser.client.get_cookie("__Host-session", domain="jobs.example.org") is None
    thief = Visitor(accounts_app, Cookie=f"__Host-session={cookie}")
    problem(thief.call("GET", "auth/me"), 401, "unauthenticated")
    assert thief.call("POST", "auth/logout").status_code == 204


def test_login_ends_the_previous_session(browser):
    assert browser.sign_in(ANN).status_code == 204
    assert sql("SELECT count(*) FROM credentials")[0].count == 1


def cookie_header(value: str) -> dict[str, str]:
    return {"Cookie": f"__Host-session={value}"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        cookie_header(""),
        cookie_header("x"),
        cookie_header("x.y"),
        cookie_header("%00"),
        cookie_header("a" * 5000),
        {"Authorization": ""},
        {"Authorization": "Digest x"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer x"},
        {"Authorization": "Bearer ji_\xff"},
        {"Authorization": "Basic YW5uOnBhc3N3b3Jk"},
        {"Authorization": "Bearer " + "x" * 7000},
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "auth/me"), ("GET", "auth/credentials"), ("POST", "auth/credentials"), ("DELETE", "auth/credentials/1"),
     ("POST", "auth/password"), ("GET", "ingestion/runs"), ("POST", "ingestion/start"), ("POST", "ingestion/abort/1")],
)
def test_invalid_credentials_are_401(accounts_app, ann, headers, method, path):
    response = Visitor(accounts_app, **headers).call(method, path)
    problem(response, 401, "unauthenticated")
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_invalid_token_beside_a_valid_cookie_is_401(browser):
    """A request with a token skips the origin check, so it must not act on the cookie."""
    evil = {"Origin": "https://evil.example", "Authorization": "Bearer x"}
    problem(browser.call("POST", "ingestion/start", **evil), 401, "unauthenticated")


@pytest.mark.parametrize(
    ("path", "body"), [("auth/logout", None), ("auth/login", {"email": ANN, "password": PASSWORD})]
)
def test_invented_token_does_not_skip_the_origin_check_of_login(browser, path, body):
    evil = {"Origin": "https://evil.example", "Authorization": "Bearer x"}
    response = browser.call("POST", path, body, **evil)
    problem(response, 403, "forbidden")
    assert "Set-Cookie" not in response.headers
    assert browser.call("GET", "auth/me").status_code == 200


def test_secret_of_a_session_is_no_token_and_vice_versa(accounts_app, ann, curl):
    token = curl.headers["Authorization"].removeprefix("Bearer ")
    problem(Visitor(accounts_app, **cookie_header(token)).call("GET", "auth/me"), 401, "unauthenticated")
    with accounts_app.app_context():
        session = credentials.sign_in(ANN, PASSWORD, "test").secret
    bearer = Visitor(accounts_app, Authorization=f"Bearer {session}")
    problem(bearer.call("GET", "auth/me"), 401, "unauthenticated")


def test_expired_credentials_are_401(browser, curl):
    sql("UPDATE credentials SET expires_at = now()")
    for visitor in (browser, curl):
        problem(visitor.call("GET", "auth/me"), 401, "unauthenticated")


def test_last_use_is_written_at_most_once_a_minute(curl):
    def last_use():
        return sql("SELECT last_used_at FROM credentials")[0].last_used_at

    curl.call("GET", "auth/me")
    first = last_use()
    assert first is not None
    curl.call("GET", "auth/me")
    assert last_use() == first
    sql("UPDATE credentials SET last_used_at = last_used_at - interval '61 s'")
    curl.call("GET", "auth/me")
    assert last_use() > first


def test_token_is_shown_once_and_stored_as_a_hash(browser):
    response = browser.call("POST", "auth/credentials", {"name": "cron", "expires_in_days": 30})
    assert response.status_code == 201
    token = response.json["token"]
    assert re.fullmatch(r"ji_[\w-]{43}", token)
    assert response.headers["Location"] == f"/api/auth/credentials/{response.json['credential_id']}"
    [made, session] = browser.call("GET", "auth/credentials").json["credentials"]
    assert (made["kind"], made["name"], made["last_used_at"], made["is_current"]) == ("token", "cron", None, False)
    assert (session["kind"], session["is_current"]) == ("session", True)
    assert token not in str(sql("SELECT * FROM credentials"))
    days = "round(extract(epoch FROM expires_at - now()) / 86400)"
    assert sql(f"SELECT {days} AS days FROM credentials WHERE kind = 'token'")[0].days == 30


@pytest.mark.parametrize(
    "body",
    [{}, {"name": ""}, {"name": "x" * 101}, {"name": "\x00"}, {"name": "x", "expires_in_days": 0},
     {"name": "x", "expires_in_days": 3661}, {"name": "x", "expires_in_days": 1.5}, {"name": "x", "kind": "session"}],
)
def test_token_with_invalid_fields_is_refused(browser, body):
    problem(browser.call("POST", "auth/credentials", body), 422, "invalid_input")
    assert sql("SELECT count(*) FROM credentials")[0].count == 1


def test_revoked_token_ends_at_once(browser, curl):
    [token] = [each for each in browser.call("GET", "auth/credentials").json["credentials"] if each["kind"] == "token"]
    assert browser.call("DELETE", f"auth/credentials/{token['credential_id']}").status_code == 204
    problem(curl.call("GET", "auth/me"), 401, "unauthenticated")
    response = browser.call("DELETE", f"auth/credentials/{token['credential_id']}")
    problem(response, 404, "credential_not_found")


@pytest.mark.parametrize("credential_id", ["0", "-1", "x", "01", str(2**63), "9" * 40])
def test_revoke_with_an_invalid_id_is_404(browser, credential_id):
    problem(browser.call("DELETE", f"auth/credentials/{credential_id}"), 404, "not_found")


def test_password_change_ends_all_other_sessions_and_all_tokens(accounts_app, browser, curl):
    other = in_browser(accounts_app, ANN)
    change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert browser.call("POST", "auth/password", change).status_code == 204
    assert browser.call("GET", "auth/me").status_code == 200
    for ended in (other, curl):
        problem(ended.call("GET", "auth/me"), 401, "unauthenticated")
    assert Visitor(accounts_app).sign_in(ANN).status_code == 401
    assert Visitor(accounts_app).sign_in(ANN, NEW_PASSWORD).status_code == 204


def test_password_change_requires_the_current_password(accounts_app, browser):
    change = {"current_password": "wrong", "new_password": NEW_PASSWORD}
    members = problem(browser.call("POST", "auth/password", change), 422, "wrong_password")
    assert list(members["errors"]) == ["current_password"]
    assert Visitor(accounts_app).sign_in(ANN).status_code == 204


@pytest.mark.parametrize("password", ["", "short", "x" * 11, "x" * 1025, None, "x" * 20 + "\x00"])
def test_password_change_refuses_invalid_passwords(browser, password):
    change = {"current_password": PASSWORD, "new_password": password}
    members = problem(browser.call("POST", "auth/password", change), 422, "invalid_input")
    assert list(members["errors"]) == ["new_password"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "login"), ("POST", "logout"), ("GET", "credentials"), ("POST", "credentials"),
     ("DELETE", "credentials/1"), ("POST", "password"), ("POST", "delete")],
)
def test_local_auth_has_no_accounts(client, method, path):
    problem(client.open(f"/api/auth/{path}", method=method, json={}), 404, "no_accounts")


def test_local_auth_has_one_user(client, user_id):
    assert client.get("/api/auth/me").json == {
        "auth": "local", "user_id": user_id, "email": "local@localhost", "name": "You"
    }


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec_Fetch_Site": "cross-site"}])
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "auth/login"), ("POST", "auth/logout"), ("POST", "auth/credentials"), ("POST", "auth/password"),
     ("DELETE", "auth/credentials/1"), ("POST", "ingestion/start")],
)
def test_cookie_is_useless_to_another_sites_page(browser, headers, method, path):
    problem(browser.call(method, path, {}, **headers), 403, "forbidden")
    assert browser.call("GET", "auth/me").status_code == 200


def test_credential_issued_during_a_password_change_is_invalid(accounts_app, ann, browser):
    """Before the commit, the old password opens a session. After it, a session found earlier tries to make a token."""
    lock = f"SELECT * FROM users WHERE user_id = {ann} FOR UPDATE"
    with accounts_app.app_context(), open_transaction(lock) as other:
        session = credentials.find(CredentialKind.SESSION, secret_of(browser))
        with ThreadPoolExecutor(2) as pool:
            late = pool.submit(within(accounts_app, credentials.sign_in), ANN, PASSWORD, "late")
            wait_until(lambda: waiting() == 1, what="the login to wait for the lock")
            change = pool.submit(within(accounts_app, users.set_password), ann, NEW_PASSWORD)
            wait_until(lambda: waiting() == 2, what="the password change to wait too")
            other.rollback()
            secret = late.result().secret
            assert change.result() is True
        assert credentials.find(CredentialKind.SESSION, secret) is None
        assert credentials.list_for_user(ann) == ([], None)
        with pytest.raises(Unauthenticated):
            credentials.make_token(ann, "late", credential_version=session.credential_version)


def waiting() -> int:
    """Return the number of statements that wait for a lock."""
    return sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")[0].count


def within(app, function):
    """Return the function wrapped in its own application context, for use in a thread."""

    def call(*arguments):
        with app.app_context():
            return function(*arguments)

    return call


def secret_of(visitor) -> str:
    return visitor.client.get_cookie("__Host-session", domain="jobs.example.org").value.partition(".")[0]


def test_dummy_hash_costs_as_much_as_a_real_one():
    assert not passwords.HASHER.check_needs_rehash(passwords.DUMMY_HASH)


def test_secret_key_fallbacks_keep_sessions_valid(settings, accounts_app, browser):
    cookie = browser.client.get_cookie("__Host-session", domain="jobs.example.org").value
    before = accounts_app.config["SETTINGS"]
    for fallbacks, code in (((before.secret_key,), 200), ((), 401)):
        rotated = replace(before, secret_key=secrets.token_urlsafe(48), secret_key_fallbacks=fallbacks)
        app = create_app(rotated)
        assert Visitor(app, **cookie_header(cookie)).call("GET", "auth/me").status_code == code
        with app.app_context():
            db.engine.dispose()


def test_cookie_without_tls_has_the_port_in_its_name(accounts_app, ann):
    plain = create_app(replace(accounts_app.config["SETTINGS"], public_url=None))
    response = plain.test_client().post("/api/auth/login", json={"email": ANN, "password": PASSWORD})
    [cookie] = response.headers.getlist("Set-Cookie")
    assert cookie.startswith("session-8000=") and "Secure" not in cookie and "HttpOnly" in cookie
    with plain.app_context():
        db.engine.dispose()
