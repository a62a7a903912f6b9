"""Read the postings of a preview: a page of them, or one with its texts."""

from typing import Any

from sqlalchemy import Row, Select, and_, func, literal, or_, select

from app.db.execute import run_statement
from app.extensions import table_of
from app.models import PostingRevision, Preview, PreviewCompany, PreviewPosting, UnitState
from app.services.previews.errors import PostingNotFound, PreviewNotFound

PREVIEWS = table_of(Preview)
UNITS = table_of(PreviewCompany)
POSTINGS = table_of(PreviewPosting)

REVISIONS = table_of(PostingRevision)

DECISION = ("posting_id", "position", "matched", "rule_kind", "rule_term")
SHORT = ("external_id", "title", "url", "department", "workplace", "employment_type", "posted_at", "updated_at")
LONG = ("description", "requirements")
"""Columns that only ``get`` reads, because they are long."""

LOCATION = func.nullif(func.array_to_string(REVISIONS.c.locations, "; "), "").label("location")


def page(
    preview_id: int,
    user_id: int,
    company: int | None = None,
    matched: bool | None = None,
    search: str | None = None,
    after: int = 0,
    limit: int = 100,
) -> tuple[list[Row[Any]], int | None]:
    """Return a page of the postings of this user's preview, and the ``after`` of the next page.

    ``company`` is a company's position. ``search`` is part of a title, location, department or company name, in any
    case. A company has postings once it is listed. Raises PreviewNotFound.
    """
    wanted = _listed(preview_id, *SHORT).where(POSTINGS.c.posting_id > after)
    if company is not None:
        wanted = wanted.where(POSTINGS.c.position == company)
    if matched is not None:
        wanted = wanted.where(POSTINGS.c.matched == matched)
    if search:
        places = (REVISIONS.c.title, LOCATION.element, REVISIONS.c.department, UNITS.c.name)
        wanted = wanted.where(or_(*[place.icontains(search, autoescape=True) for place in places]))
    found = wanted.order_by(POSTINGS.c.posting_id).limit(limit + 1).subquery()
    # An outer join from the preview distinguishes a preview without postings from a missing preview.
    rows = run_statement(
        select(found)
        .select_from(PREVIEWS.outerjoin(found, literal(True)))
        .where(PREVIEWS.c.preview_id == preview_id, PREVIEWS.c.user_id == user_id)
        .order_by(found.c.posting_id)
    )
    if not rows:
        raise PreviewNotFound(preview_id)
    postings = [row for row in rows if row.posting_id is not None]
    return postings[:limit], postings[limit - 1].posting_id if len(postings) > limit else None


def get(preview_id: int, posting_id: int, user_id: int) -> Row[Any]:
    """Return a posting of this user's preview with its texts. Raises PreviewNotFound, PostingNotFound."""
    found = _listed(preview_id, *SHORT, *LONG).where(POSTINGS.c.posting_id == posting_id).subquery()
    rows = run_statement(
        select(found)
        .select_from(PREVIEWS.outerjoin(found, literal(True)))
        .where(PREVIEWS.c.preview_id == preview_id, PREVIEWS.c.user_id == user_id)
    )
    if not rows:
        raise PreviewNotFound(preview_id)
    if rows[0].posting_id is None:
        raise PostingNotFound(f"There is no posting {posting_id} in preview {preview_id}.")
    return rows[0]


def _listed(preview_id: int, *columns: str) -> Select[Any]:
    """Build the selection of the postings of a preview's listed companies, with these columns of their contents."""
    company = and_(UNITS.c.preview_id == POSTINGS.c.preview_id, UNITS.c.position == POSTINGS.c.position)
    decision = [POSTINGS.c[name] for name in DECISION]
    return (
        select(*decision, *[REVISIONS.c[name] for name in columns], LOCATION, UNITS.c.name.label("company"))
        .select_from(POSTINGS)
        .join(UNITS, company)
        .join(REVISIONS, REVISIONS.c.revision_id == POSTINGS.c.revision_id)
        .where(POSTINGS.c.preview_id == preview_id, UNITS.c.state == UnitState.LISTED)
    )
