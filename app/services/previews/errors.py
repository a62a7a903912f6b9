"""Errors of previews."""

from http import HTTPStatus

from app.errors import AppError


class NoCompanies(AppError):
    """The user has no enabled company, so there is nothing to preview."""

    status = HTTPStatus.CONFLICT
    code = "no_companies"

    def __init__(self) -> None:
        super().__init__("No company is enabled. Enable one, or add one.")


class PreviewNotFound(AppError):
    """There is no such preview of this user. Another user's gets the same answer."""

    status = HTTPStatus.NOT_FOUND
    code = "preview_not_found"

    def __init__(self, preview_id: int) -> None:
        super().__init__(f"There is no preview {preview_id}.")


class PostingNotFound(AppError):
    """The preview has no such posting."""

    status = HTTPStatus.NOT_FOUND
    code = "posting_not_found"


class PreviewOutdated(AppError):
    """The companies or their filters were changed after the preview was made."""

    status = HTTPStatus.CONFLICT
    code = "preview_outdated"

    def __init__(self, preview_id: int) -> None:
        super().__init__(f"The companies or filters changed since preview {preview_id}. Make a new preview.")
