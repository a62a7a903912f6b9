"""Errors of previews."""

from http import HTTPStatus

from app.errors import AppError


class NoCompanies(AppError):
    """The user has no company that is switched on, so there is nothing to preview."""

    status = HTTPStatus.CONFLICT
    code = "no_companies"

    def __init__(self) -> None:
        super().__init__("No company is switched on. Add a company, or switch one on.")


class PreviewNotFound(AppError):
    """The user has no such preview. Another user's preview gives the same response."""

    status = HTTPStatus.NOT_FOUND
    code = "preview_not_found"

    def __init__(self, preview_id: int) -> None:
        super().__init__(f"There is no preview {preview_id}.")


class PostingNotFound(AppError):
    """The preview has no such posting."""

    status = HTTPStatus.NOT_FOUND
    code = "posting_not_found"


class PreviewOutdated(AppError):
    """The companies or their filters have changed since the preview was made."""

    status = HTTPStatus.CONFLICT
    code = "preview_outdated"

    def __init__(self, preview_id: int) -> None:
        super().__init__(f"The companies or filters have changed since preview {preview_id}. Make a new preview.")


class PreviewUnfinished(AppError):
    """The preview has not finished."""

    status = HTTPStatus.CONFLICT
    code = "preview_unfinished"

    def __init__(self, preview_id: int) -> None:
        super().__init__(f"Preview {preview_id} has not finished. Wait until it has.")
