"""Flask, without what it does in each request for applications that are not ours."""

from collections.abc import Callable
from typing import Any

from flask import Flask


class Application(Flask):
    """All of whose handlers are plain functions."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Take each as it is. Flask looks whether it is a coroutine, at twenty places in every request."""
        return func
