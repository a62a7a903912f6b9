"""Users who sign in over HTTP."""

from flask import Flask
from flask.testing import FlaskClient

from app.services.accounts import credentials, users

HOST = {"Host": "jobs.example.org"}
PASSWORD = "correct horse battery"


class Visitor:
    """A browser or curl, with its cookies and headers."""

    def __init__(self, app: Flask, **headers: str) -> None:
        # The client's cookie jar would replace a Cookie header.
        self.client: FlaskClient = app.test_client(use_cookies="Cookie" not in headers)
        self.headers = {**HOST, **headers}

    def call(self, method: str, path: str, json: object = None, **headers: str):
        """Send a request below /api."""
        base = "https://jobs.example.org"
        options = {"json": json} if json is not None else {}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.open(
            f"/api/{path}", method=method, base_url=base, headers={**self.headers, **named}, buffered=True, **options
        )

    def sign_in(self, email: str, password: str = PASSWORD):
        """Sign in; the cookie stays with this visitor."""
        return self.call("POST", "auth/login", {"email": email, "password": password})


def person(app: Flask, email: str) -> int:
    """Add a user and return the id."""
    with app.app_context():
        return users.add(email, PASSWORD)


def in_browser(app: Flask, email: str) -> Visitor:
    """Return a browser in which the user is signed in."""
    visitor = Visitor(app)
    assert visitor.sign_in(email).status_code == 204
    return visitor


def with_token(app: Flask, user_id: int) -> Visitor:
    """Return a curl that sends an API token of the user."""
    with app.app_context():
        secret = credentials.make_token(user_id, "curl").secret
    return Visitor(app, Authorization=f"Bearer {secret}")
