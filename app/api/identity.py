"""Who asks: the one place that knows."""

from flask import current_app

from app.errors import Unauthenticated
from app.services import users


def current_user_id() -> int:
    """Return the id of the user on whose behalf this request is made.

    With AUTH=local that is the one local user. With AUTH=accounts nobody is signed in. Raises Unauthenticated.
    """
    if current_app.config["SETTINGS"].auth == "local":
        return users.local_user_id()
    raise Unauthenticated("Sign in first.")
