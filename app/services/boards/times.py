"""The times of boards, from the settings of the running application."""

from flask import current_app

from app.config.board_times import BoardTimes
from app.config.settings import Settings

__all__ = ["BoardTimes", "board_times"]


def board_times() -> BoardTimes:
    """Return the times that this application's settings ask for."""
    settings: Settings = current_app.config["SETTINGS"]
    return settings.board_times
