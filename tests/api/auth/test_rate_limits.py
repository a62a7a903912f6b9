"""Rate limits on password attempts: by account and address, over all processes, and without Redis."""

from dataclasses import replace

import pytest

from app import create_app
from app.extensions import db
from tests.api.conftest import ANN
from tests.support.accounts import PASSWORD, Visitor, in_browser, person
from tests.support.outages import frozen, refusing
from tests.support.parallel import in_parallel
from tests.support.responses import problem
from tests.support.waiting import wait_until

BOB = "bob@example.org"
NEW_PASSWORD = "a whole new password"


def test_account_limit_allows_ten_attempts_then_refuses_the_right_password(accounts_app, ann):
    visitor = Visitor(accounts_app)
    assert [visitor.sign_in(ANN, "wrong").status_code for _ in range(11)] == [401] * 10 + [429]
    response = visitor.sign_in(ANN.upper())
    problem(response, 429, "too_many_requests")
    assert 0 < int(response.headers["Retry-After"]) <= 300


def test_address_limit_stops_guessing_at_many_accounts(accounts_app, ann):
    visitor = Visitor(accounts_app)
    codes = [visitor.sign_in(f"{number}@example.org", "wrong").status_code for number in range(31)]
    assert codes == [401] * 30 + [429]
    elsewhere = Visitor(accounts_app)
    elsewhere.client.environ_base["REMOTE_ADDR"] = "203.0.113.7"
    assert elsewhere.sign_in(ANN).status_code == 204


def test_attempts_are_counted_in_redis_without_email_addresses(accounts_app, ann, broker):
    Visitor(accounts_app).sign_in(ANN, "wrong")
    names = b" ".join(broker.keys("*"))
    assert names.count(b"job-ingestion:tries:") == len(broker.keys("*")) == 2
    assert ANN.encode() not in names


def test_refused_address_uses_up_no_attempts_of_accounts(accounts_app, ann):
    attacker = Visitor(accounts_app)
    for number in range(31):
        attacker.sign_in(f"{number}@example.org", "wrong")
    assert {attacker.sign_in(ANN, "wrong").status_code for _ in range(15)} == {429}
    elsewhere = Visitor(accounts_app)
    elsewhere.client.environ_base["REMOTE_ADDR"] = "203.0.113.7"
    assert elsewhere.sign_in(ANN).status_code == 204


def test_address_limit_counts_a_customers_ipv6_networks_as_one(accounts_app, ann):
    codes = []
    for number in (*range(31), 256):
        visitor = Visitor(accounts_app)
        visitor.client.environ_base["REMOTE_ADDR"] = f"2001:db8:1:{number:x}::{number:x}"
        codes.append(visitor.sign_in(f"{number}@example.org", "wrong").status_code)
    assert codes == [401] * 30 + [429, 401]


def test_forged_x_forwarded_for_evades_no_limit(accounts_app, ann):
    behind_proxy = create_app(replace(accounts_app.config["SETTINGS"], proxy_hops=1))
    codes = [
        Visitor(behind_proxy, **{"X-Forwarded-For": f"198.51.100.{number}, 203.0.113.9"})
        .sign_in(f"{number}@example.org", "wrong").status_code
        for number in range(31)
    ]
    assert codes == [401] * 30 + [429]
    with behind_proxy.app_context():
        db.engine.dispose()


def test_attempts_in_parallel_are_all_counted(accounts_app, ann):
    responses = in_parallel(accounts_app, *[lambda: Visitor(accounts_app).sign_in(ANN, "wrong").status_code] * 25)
    assert sorted(responses) == [401] * 10 + [429] * 15


@pytest.mark.parametrize("path", ["auth/login", "auth/password", "auth/delete"])
def test_malformed_bodies_count_against_the_address_alone(accounts_app, browser, broker, path):
    """The depths around the parser's limit are included: the same parser serves the limits and the handler."""
    bodies = ["[" * 60_000, *("[" * depth + "]" * depth for depth in range(880, 1000, 5)), "{}", '{"email": "a@b.c"}']
    broker.flushall()
    options = {"base_url": "https://jobs.example.org", "buffered": True, "content_type": "application/json"}
    responses = [browser.client.post(f"/api/{path}", data=body, **options) for body in bodies]
    assert {response.status_code for response in responses} == {400, 422}
    assert len(broker.keys("*")) == 1  # the address
    elsewhere = Visitor(accounts_app)
    elsewhere.client.environ_base["REMOTE_ADDR"] = "203.0.113.7"
    assert elsewhere.sign_in(ANN).status_code == 204
    more = [browser.client.post(f"/api/{path}", data="[", **options).status_code for _ in range(6)]
    assert more.count(400) == 30 - len(bodies) and more[-1] == 429


def test_account_limit_counts_every_spelling_of_an_address(accounts_app, ann):
    visitor = Visitor(accounts_app)
    spellings = [ANN, ANN.upper(), f" {ANN}", f"{ANN}\u00a0", ANN.replace("a", "\uff41")]
    assert [visitor.sign_in(each, "wrong").status_code for each in spellings * 2] == [401] * 10
    codes = [visitor.sign_in(each, "wrong").status_code for each in spellings]
    assert codes == [401, 401, 429, 429, 401]


@pytest.mark.parametrize("disturb", ["frozen", "refusing"])
def test_limits_work_per_process_while_redis_is_unavailable(accounts_app, ann, broker, disturb):
    with {"frozen": frozen, "refusing": refusing}[disturb](broker):
        visitor = Visitor(accounts_app)
        assert visitor.sign_in(ANN).status_code == 204
        codes = [visitor.sign_in("bob@example.org", "wrong").status_code for _ in range(11)]
    assert codes == [401] * 10 + [429]

    def counted_in_redis() -> bool:
        visitor.sign_in("bob@example.org", "wrong")
        return any(name.startswith(b"job-ingestion:tries") for name in broker.keys("*"))

    wait_until(counted_in_redis, what="attempts counted in Redis again")


def test_mistyping_twice_is_allowed(accounts_app, ann):
    visitor = Visitor(accounts_app)
    assert [visitor.sign_in(ANN, password).status_code for password in ("wrong", "worse", PASSWORD)] == [401, 401, 204]


def test_password_change_is_limited_too(browser):
    change = {"current_password": "wrong", "new_password": NEW_PASSWORD}
    codes = [browser.call("POST", "auth/password", change).status_code for _ in range(11)]
    assert codes == [422] * 10 + [429]


def test_account_deletion_is_limited_too(browser):
    codes = [browser.call("POST", "auth/delete", {"password": "wrong"}).status_code for _ in range(11)]
    assert codes == [422] * 10 + [429]


def test_password_changes_of_two_users_count_separately(accounts_app, browser):
    person(accounts_app, BOB)
    bob = in_browser(accounts_app, BOB)
    change = {"current_password": "wrong", "new_password": NEW_PASSWORD}
    for visitor in (browser, bob):
        assert [visitor.call("POST", "auth/password", change).status_code for _ in range(8)] == [422] * 8
