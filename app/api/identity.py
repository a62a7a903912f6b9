"""Who asks: the one place that knows."""

from flask import current_app, g

from app.errors import Unauthenticated
from app.services import users


def identify_user() -> None:
    """Find out on whose behalf this request is made, before anything else about it is looked at.

    With AUTH=local that is the one local user. With AUTH=accounts nobody is signed in. Raises Unauthenticated.
    """
    if current_app.config["SETTINGS"].auth != "local":
        raise Unauthenticated("Sign in first.")
    g.user_id = users.local_user_id()


def current_user_id() -> int:
    """The id of the user on whose behalf this request is made."""
    user_id: int = g.user_id
    return user_id
