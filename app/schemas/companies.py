"""Requests and responses about companies."""

import json
from itertools import islice
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, post_load, validate

from app.models import MAX_COMPANIES, MAX_COMPANY_NAME_LENGTH, Outcome
from app.schemas.faults import MAX_FAULTS, UNNAMED, Faults
from app.schemas.fields import PlainText, SingleLine, StrictBoolean, UtcDateTime
from app.schemas.source_links import BOARD_URL, board_url, display_name
from app.schemas.streamed_body import StreamedSchema, read_array
from app.sources.adapters.registry import SOURCES
from app.sources.board_token import MAX_BOARD_LENGTH
from app.sources.title_filter import has_word

MAX_TERM_LENGTH = 100
MAX_TERMS = 50
MAX_SUBMITTED_TERMS = 10 * MAX_TERMS
"""The most terms in a request, including blank and duplicate ones. A longer list is refused unread."""

MAX_TERMS_BYTES = 7500
"""The most bytes of one list as JSON. Fifty ASCII terms of a hundred characters fit easily. An export of 1,000
companies never exceeds the size limit of an import."""

MAX_MEMBERS = 50
"""The most members of an imported company. One with more is refused unread."""

SOURCE_KEY = "The key of a source."
ENABLED = "True if previews and runs include the company."
INCLUDE = "Only postings with one of these terms in the title; an empty list means all. Up to 50 terms."
SAME_AS = "The user's company with the same board under another name. Null: none is known."
EXCLUDE = "No postings with one of these terms in the title. Up to 50 terms."


class Terms(fields.List):
    """The terms of a filter: trimmed, without empty ones and duplicates, each with a letter or digit.

    A comma or semicolon becomes a blank: both match alike, and the page uses commas and semicolons to separate terms.
    """

    inner: PlainText

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(PlainText(), **kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list):
            raise self.make_error("invalid")
        if len(value) > MAX_SUBMITTED_TERMS:
            raise ValidationError(f"At most {MAX_TERMS} terms.")
        # An exception for each term would take seconds in an import with a million faults.
        faults = ((number, [fault]) for number, term in enumerate(value) if (fault := self.inner.fault(term)))
        if named := dict(islice(faults, MAX_FAULTS)):
            raise ValidationError({**named, UNNAMED: sum(1 for _ in faults)})
        terms = _distinct(value)
        if len(terms) > MAX_TERMS:
            raise ValidationError(f"At most {MAX_TERMS} terms.")
        for term in terms:
            if len(term) > MAX_TERM_LENGTH:
                raise ValidationError(f"A term has at most {MAX_TERM_LENGTH} characters.")
            if not has_word(term):
                raise ValidationError(f"The term “{term}” has no letter or digit.")
        if len(json.dumps(terms, ensure_ascii=False).encode()) > MAX_TERMS_BYTES:
            raise ValidationError("All terms together are too long. Use fewer or shorter terms.")
        return terms


def _distinct(submitted: list[str]) -> list[str]:
    """Return the terms with single blanks between their words, without empty ones; of equal ones, the first."""
    spaced = "\0".join(submitted).replace(",", " ").replace(";", " ").split("\0")
    tidy = [" ".join(term.split()) for term in spaced]
    return list({term.casefold(): term for term in reversed(tidy) if term}.values())[::-1]


class SettingsSchema(Schema):
    """A company's settings; omitted ones stay as they are."""

    class Meta:
        unknown = RAISE

    name = SingleLine(
        validate=validate.Length(1, MAX_COMPANY_NAME_LENGTH), metadata={"description": "The name shown to the user."}
    )
    enabled = StrictBoolean(metadata={"description": ENABLED})
    include = Terms(metadata={"description": INCLUDE})
    # Schema has an attribute ``exclude``, so the field needs another name here.
    exclude_ = Terms(attribute="exclude", data_key="exclude", metadata={"description": EXCLUDE})


class ChangesSchema(SettingsSchema):
    """Changes of a company; omitted settings stay as they are."""

    updated_at = UtcDateTime(
        metadata={"description": "The `updated_at` last read. The company is changed only if it is still the same."}
    )


class ImportedCompanySchema(SettingsSchema):
    """A board, and the settings for it."""

    source = fields.String(
        required=True,
        validate=validate.OneOf(list(SOURCES), error="There is no such source."),
        metadata={"description": SOURCE_KEY},
    )
    board = PlainText(
        required=True,
        validate=validate.Length(1, MAX_BOARD_LENGTH),
        metadata={"description": "The board's name in the source."},
    )
    name = SingleLine(
        required=True,
        validate=validate.Length(1, MAX_COMPANY_NAME_LENGTH),
        metadata={"description": "The name shown to the user."},
    )

    @post_load
    def _normalize_board(self, company: dict[str, Any], **_: Any) -> dict[str, Any]:
        try:
            return {**company, "board": SOURCES[company["source"]].valid_board(company["board"])}
        except ValueError as error:
            raise ValidationError({"board": [str(error)]}) from error


class NewCompanySchema(ImportedCompanySchema):
    """A company to add."""

    enabled = StrictBoolean(load_default=True, metadata={"description": ENABLED})
    include = Terms(load_default=list, metadata={"description": INCLUDE})
    exclude_ = Terms(
        attribute="exclude", data_key="exclude", load_default=list, metadata={"description": EXCLUDE}
    )


class ImportSchema(StreamedSchema):
    """Companies to add or to change, in the format of an export."""

    class Meta:
        unknown = RAISE

    companies = fields.List(
        fields.Nested(ImportedCompanySchema),
        required=True,
        metadata={
            "description": "Up to 1,000 companies, each board once, each company with up to 64 KiB of JSON. "
            "Omitted settings stay as they are.",
            "maxItems": MAX_COMPANIES,
        },
    )

    def read(self, body: bytes) -> list[bytes]:
        """Read and validate the companies one by one. Return each as JSON, which takes less than Python objects."""
        faults, schema = Faults(), ImportedCompanySchema()
        rows: list[bytes] = []
        positions: dict[tuple[str, str], int] = {}
        for number, submitted in enumerate(read_array(body, "companies", MAX_COMPANIES)):
            try:
                company = _load_company(schema, submitted)
                first = positions.setdefault((company["source"], company["board"]), number)
                if first != number:
                    raise ValidationError({"board": [f"The same board as companies.{first}."]})
                rows.append(json.dumps(company, ensure_ascii=False).encode())
            except ValidationError as error:
                faults.add(error.messages, f"companies.{number}")
                # marshmallow's error refers to itself through its traceback. It would keep the company until Python
                # collects garbage, after thousands of others.
                error.__traceback__ = None
        faults.raise_any()
        return rows


def _load_company(schema: Schema, submitted: Any) -> dict[str, Any]:
    if isinstance(submitted, dict) and len(submitted) > MAX_MEMBERS:
        raise ValidationError({"_schema": [f"A company has at most {MAX_MEMBERS} members."]})
    company: dict[str, Any] = schema.load(submitted)
    return company


class ListingSchema(Schema):
    """The latest listing of a company's board."""

    at = fields.AwareDateTime(required=True, attribute="listed_at")
    outcome = fields.Enum(Outcome, by_value=True, required=True, metadata={"type": "string"})
    detail = fields.String(
        required=True,
        allow_none=True,
        attribute="outcome_detail",
        metadata={"description": "A sentence about the failure, or about what was not read. Null if there is none."},
    )
    postings = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "The number of postings at the last time the board was read. Null: unknown."},
    )


class ExportedCompanySchema(Schema):
    """A company in the format of an import."""

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
        lambda company: display_name(company.source), required=True, metadata={"type": "string"}
    )
    url = fields.Function(
        lambda company: board_url(company.source, company.board),
        required=True,
        metadata={"type": ["string", "null"], "description": BOARD_URL},
    )
    created_at = fields.AwareDateTime(required=True)
    updated_at = fields.AwareDateTime(required=True)
    listing = fields.Nested(
        ListingSchema, required=True, allow_none=True, metadata={"description": "Null: the board was never listed."}
    )

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Build ``listing`` from columns of the company's row."""
        if attr == "listing":
            return obj if obj.listed_at else None
        return super().get_attribute(obj, attr, default)


class SameBoardSchema(Schema):
    """Another company of the user whose board is the same under another name."""

    company_id = fields.Integer(required=True)
    name = fields.String(required=True)


class AddedCompanySchema(CompanySchema):
    """A company that was added."""

    same_as = fields.Nested(SameBoardSchema, required=True, allow_none=True, metadata={"description": SAME_AS})


class CompaniesSchema(Schema):
    """A user's companies in order of their names."""

    companies = fields.List(fields.Nested(CompanySchema), required=True)


class ExportSchema(Schema):
    """A user's companies in the format of an import."""

    companies = fields.List(fields.Nested(ExportedCompanySchema), required=True)


class ImportResultSchema(Schema):
    """The numbers of companies that an import added, changed and left unchanged."""

    added = fields.Integer(required=True)
    changed = fields.Integer(required=True)
    unchanged = fields.Integer(required=True)
