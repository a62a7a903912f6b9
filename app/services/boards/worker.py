"""Read boards in a worker."""


def read_now(source: str, board: str) -> int:
    """Read a board in this process, and return the id of its listing. Commits.

    Raises BoardNotFound, and BoardBusy if another worker reads it.
    """
    raise NotImplementedError
