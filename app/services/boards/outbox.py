"""The messages that wake workers to read boards."""


def wake_readers(preview_id: int, waiting: int) -> None:
    """Publish messages for the boards that ``waiting`` companies of this preview wait for."""
