"""Errors of runs."""

from http import HTTPStatus

from app.errors import AppError


class RunNotFound(AppError):
    """The user has no such run. A run of another user gets the same response."""

    status = HTTPStatus.NOT_FOUND
    code = "run_not_found"


class RunActive(AppError):
    """The user already has an active run, ``run_id``."""

    status = HTTPStatus.CONFLICT
    code = "run_active"

    def __init__(self, run_id: int) -> None:
        super().__init__(f"Run {run_id} is active. Wait until it ends, or abort it first.", run_id=run_id)
        self.run_id = run_id


class RunNotEnded(AppError):
    """The run is active, so it cannot be retried yet."""

    status = HTTPStatus.CONFLICT
    code = "run_not_ended"

    def __init__(self, run_id: int) -> None:
        super().__init__(f"Run {run_id} has not ended. Wait until it ends, or abort it first.")


class NothingToRetry(AppError):
    """No company of the run failed, or those that did were removed or disabled since."""

    status = HTTPStatus.CONFLICT
    code = "nothing_to_retry"

    def __init__(self, run_id: int) -> None:
        super().__init__(
            f"Run {run_id} has no failed company that is still there and enabled. Start a new run instead."
        )


class RunMoved(AppError):
    """The run cannot make this move from its current status, ``run_status``."""

    status = HTTPStatus.CONFLICT
    code = "run_moved"

    def __init__(self, run_id: int, run_status: str, to: str) -> None:
        message = f"Run {run_id} cannot be {to}: its status is {run_status}"
        super().__init__(f"{message}.", success=False, message=message, run_status=run_status)
        self.run_status = run_status


class IdempotencyKeyReused(AppError):
    """The user already started a run with this key and another body."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "idempotency_key_reused"

    def __init__(self, run_id: int) -> None:
        super().__init__(
            f"This Idempotency-Key already started run {run_id} with another body. Use a new key for a new start."
        )


class NoClosings(AppError):
    """The run has no question about closed jobs."""

    status = HTTPStatus.CONFLICT
    code = "no_closings"

    def __init__(self, run_id: int) -> None:
        super().__init__(f"Run {run_id} has no question about jobs to expire.")


class ClosingsAnswered(AppError):
    """The run's question about closed jobs has its answer."""

    status = HTTPStatus.CONFLICT
    code = "closings_answered"

    def __init__(self, run_id: int) -> None:
        super().__init__(f"The question of run {run_id} is answered already. Reload to see the answer.")


class ClosingsSuperseded(AppError):
    """A later run has checked the same jobs."""

    status = HTTPStatus.CONFLICT
    code = "closings_superseded"

    def __init__(self, run_id: int) -> None:
        super().__init__(f"A later run has checked the jobs of run {run_id} again. Look at the latest run instead.")
