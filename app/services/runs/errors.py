"""Errors of runs."""

from http import HTTPStatus

from app.errors import AppError


class RunNotFound(AppError):
    """The user has no such run. Another user's run gives the same response."""

    status = HTTPStatus.NOT_FOUND
    code = "run_not_found"


class RunActive(AppError):
    """The user already has an active run, ``run_id``."""

    status = HTTPStatus.CONFLICT
    code = "run_active"

    def __init__(self, run_id: int) -> None:
        super().__init__(f"Run {run_id} is still active. Wait until it ends, or abort it.", run_id=run_id)
        self.run_id = run_id


class RunMoved(AppError):
    """The run's status, ``run_status``, does not allow the change."""

    status = HTTPStatus.CONFLICT
    code = "run_moved"

    def __init__(self, run_id: int, run_status: str, target: str) -> None:
        message = f"Run {run_id} cannot be {target}: its status is {run_status}"
        super().__init__(f"{message}.", success=False, message=message, run_status=run_status)
        self.run_status = run_status


class IdempotencyKeyReused(AppError):
    """The user started another run with this key and a different body."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "idempotency_key_reused"

    def __init__(self, run_id: int) -> None:
        super().__init__(
            f"This Idempotency-Key started run {run_id} with a different body. Use a new key for a new start."
        )
