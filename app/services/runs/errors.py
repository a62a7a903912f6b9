"""Errors of runs."""

from http import HTTPStatus

from app.errors import AppError


class RunNotFound(AppError):
    """There is no such run of this user; somebody else's run is answered alike."""

    status = HTTPStatus.NOT_FOUND
    code = "run_not_found"


class RunActive(AppError):
    """The user has an active run already; its id is ``run_id``."""

    status = HTTPStatus.CONFLICT
    code = "run_active"

    def __init__(self, run_id: int) -> None:
        super().__init__(f"Run {run_id} is active; wait for its end or abort it first.", run_id=run_id)
        self.run_id = run_id


class RunMoved(AppError):
    """The run is not in a status from which the wished move is legal; ``run_status`` is where it is."""

    status = HTTPStatus.CONFLICT
    code = "run_moved"

    def __init__(self, run_id: int, run_status: str, wish: str) -> None:
        message = f"Run {run_id} is {run_status} and cannot become {wish}"
        super().__init__(f"{message}.", success=False, message=message, run_status=run_status)
        self.run_status = run_status


class IdempotencyKeyReused(AppError):
    """The user has started a run with this key that asked for something else."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "idempotency_key_reused"

    def __init__(self, run_id: int) -> None:
        super().__init__(
            f"This Idempotency-Key has started run {run_id} with another body; a new start needs a new key."
        )
