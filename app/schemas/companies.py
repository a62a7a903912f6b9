"""What goes over the wire about companies; loading and dumping apart, no queries."""

import json
import re
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, post_load, pre_load, validate

from app.models import MAX_COMPANIES, MAX_COMPANY_NAME_LENGTH, Outcome
from app.schemas.fields import Line, Moment, PlainText, Switch
from app.schemas.source_links import URL, name_of, page_of
from app.sources.adapters.registry import SOURCES
from app.sources.title_filter import has_word

MAX_BOARD_LENGTH = 200
MAX_TERM_LENGTH = 100
MAX_TERMS = 50
MAX_SUBMITTED_TERMS = 10
"""Times as many may be given, blanks and doubles among them; no more than that are looked at."""

MAX_TERMS_BYTES = 7500
"""Of one list, as JSON: fifty ASCII terms of a hundred characters fit by far. With it an export of 1,000 companies is
never larger than an import may be."""

PARTING = re.compile("[,;]")


class Terms(fields.List):
    """The terms of a filter: trimmed, without blanks and doubles, each with something to look for in it.

    A comma or semicolon within a term means no more than a blank there, and would part it where people edit terms.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(PlainText(), **kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> list[Any]:
        if isinstance(value, list) and len(value) > MAX_SUBMITTED_TERMS * MAX_TERMS:
            raise ValidationError(f"No more than {MAX_TERMS} terms.")
        read: list[Any] = super()._deserialize(value, attr, data, **kwargs)
        given = [" ".join(PARTING.sub(" ", term).split()) for term in read]
        terms = list({term.casefold(): term for term in reversed(given) if term}.values())[::-1]
        if len(terms) > MAX_TERMS:
            raise ValidationError(f"No more than {MAX_TERMS} terms.")
        for term in terms:
            if len(term) > MAX_TERM_LENGTH:
                raise ValidationError(f"No term is longer than {MAX_TERM_LENGTH} characters.")
            if not has_word(term):
                raise ValidationError(f"There is neither a letter nor a digit in “{term}”.")
        if len(json.dumps(terms, ensure_ascii=False).encode()) > MAX_TERMS_BYTES:
            raise ValidationError("The terms are too long altogether.")
        return terms


class SettingsSchema(Schema):
    """What a user settles about a company; what is left out stays."""

    class Meta:
        unknown = RAISE

    name = Line(
        validate=validate.Length(1, MAX_COMPANY_NAME_LENGTH), metadata={"description": "The name shown to its user."}
    )
    enabled = Switch(metadata={"description": "Whether previews and runs look at it."})
    include = Terms(
        metadata={"description": "Only postings with one of these in the title; none: all. Up to 50 terms."}
    )
    # marshmallow has an ``exclude`` of its own, so the members of that name are declared under another.
    exclude_ = Terms(
        attribute="exclude",
        data_key="exclude",
        metadata={"description": "No postings with one of these in the title. Up to 50 terms."},
    )


class ChangesSchema(SettingsSchema):
    """What can be changed of a company; what is left out stays."""

    updated_at = Moment(
        metadata={"description": "The company's, as last seen: it is changed only if that is still so."}
    )


class ImportedCompanySchema(SettingsSchema):
    """A board, and how it is to be looked at."""

    source = fields.String(
        required=True,
        validate=validate.OneOf(list(SOURCES), error="There is no such source."),
        metadata={"description": "The key of a source."},
    )
    board = PlainText(
        required=True,
        validate=validate.Length(1, MAX_BOARD_LENGTH),
        metadata={"description": "The name that the source knows the company's board by."},
    )
    name = Line(
        required=True,
        validate=validate.Length(1, MAX_COMPANY_NAME_LENGTH),
        metadata={"description": "For its user to know it by."},
    )

    @post_load
    def _as_the_source_writes_it(self, company: dict[str, Any], **_: Any) -> dict[str, Any]:
        try:
            return {**company, "board": SOURCES[company["source"]].valid_board(company["board"])}
        except ValueError as error:
            raise ValidationError({"board": [str(error)]}) from error


class NewCompanySchema(ImportedCompanySchema):
    """A company to add."""

    enabled = Switch(load_default=True, metadata={"description": "Whether previews and runs look at it."})
    include = Terms(
        load_default=list,
        metadata={"description": "Only postings with one of these in the title; none: all. Up to 50 terms."},
    )
    exclude_ = Terms(
        attribute="exclude",
        data_key="exclude",
        load_default=list,
        metadata={"description": "No postings with one of these in the title. Up to 50 terms."},
    )


class ImportSchema(Schema):
    """Companies to add or to change, as an export has them."""

    class Meta:
        unknown = RAISE

    companies = fields.List(
        fields.Nested(ImportedCompanySchema),
        required=True,
        metadata={
            "description": "Up to 1,000, no board twice. What one leaves out stays as it is.",
            "maxItems": MAX_COMPANIES,
        },
    )

    @pre_load
    def _not_too_many(self, given: Any, **_: Any) -> Any:
        """Before each is looked at, so that a million faults are not told one by one."""
        companies = given.get("companies") if isinstance(given, dict) else None
        if isinstance(companies, list) and len(companies) > MAX_COMPANIES:
            raise ValidationError({"companies": [f"No more than {MAX_COMPANIES} companies."]})
        return given

    @post_load
    def _no_board_twice(self, given: dict[str, Any], **_: Any) -> dict[str, Any]:
        seen: dict[tuple[str, str], int] = {}
        for number, company in enumerate(given["companies"]):
            first = seen.setdefault((company["source"], company["board"]), number)
            if first != number:
                raise ValidationError({"companies": {number: {"board": [f"The same board as companies.{first}."]}}})
        return given


class ListingSchema(Schema):
    """What became of a board the last time it was listed."""

    at = fields.AwareDateTime(required=True, attribute="listed_at")
    outcome = fields.Enum(Outcome, by_value=True, required=True, metadata={"type": "string"})
    detail = fields.String(
        required=True,
        allow_none=True,
        attribute="outcome_detail",
        metadata={"description": "A sentence, if it failed."},
    )
    postings = fields.Integer(required=True, allow_none=True, metadata={"description": "Null: not known."})


class ExportedCompanySchema(Schema):
    """A company as an import takes it."""

    source = fields.String(required=True)
    board = fields.String(required=True)
    name = fields.String(required=True)
    enabled = fields.Boolean(required=True)
    include = fields.List(fields.String(), required=True)
    exclude_ = fields.List(fields.String(), required=True, attribute="exclude", data_key="exclude")


class CompanySchema(ExportedCompanySchema):
    """A company that a user has chosen."""

    company_id = fields.Integer(required=True)
    source_name = fields.Function(
        lambda company: name_of(company.source), required=True, metadata={"type": "string"}
    )
    url = fields.Function(
        lambda company: page_of(company.source, company.board),
        required=True,
        metadata={"type": ["string", "null"], "description": URL},
    )
    created_at = fields.AwareDateTime(required=True)
    updated_at = fields.AwareDateTime(required=True)
    listing = fields.Nested(
        ListingSchema, required=True, allow_none=True, metadata={"description": "Null: it was never listed."}
    )

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """The last listing is some columns of the company's row."""
        if attr == "listing":
            return obj if obj.listed_at else None
        return super().get_attribute(obj, attr, default)


class CompaniesSchema(Schema):
    """A user's companies, by name."""

    companies = fields.List(fields.Nested(CompanySchema), required=True)


class ExportSchema(Schema):
    """A user's companies, for an import."""

    companies = fields.List(fields.Nested(ExportedCompanySchema), required=True)


class ImportResultSchema(Schema):
    """What an import did."""

    added = fields.Integer(required=True)
    changed = fields.Integer(required=True)
    unchanged = fields.Integer(required=True)
