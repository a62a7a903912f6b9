"""The client of tests that call the application in this process."""

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse


class WholeResponseClient(FlaskClient):
    """A client that receives each response whole and closes it, as the web server does. Flask's leaves it open."""

    def open(self, *args: Any, buffered: bool = True, **kwargs: Any) -> TestResponse:
        """Send a request."""
        return super().open(*args, buffered=buffered, **kwargs)
