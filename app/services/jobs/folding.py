"""SQL by which texts are compared and sorted as people do: without regard to case and accents."""

from typing import Any

from sqlalchemy import ColumnElement, case, func, literal_column

COMBINING_MARKS: ColumnElement[str] = literal_column("'[\\u0300-\\u036f]'")
"""The accents of Latin, Greek and Cyrillic letters, as PostgreSQL writes a regular expression."""


def folded(text: Any) -> ColumnElement[str]:
    """Build the SQL of a text in lower case, in normalization form NFKD, without accents.

    ASCII texts, which are most titles, need no normalization.
    """
    decomposed = func.normalize(text, literal_column("NFKD"))
    plain = func.regexp_replace(decomposed, COMBINING_MARKS, literal_column("''"), literal_column("'g'"))
    is_ascii = func.octet_length(text) == func.char_length(text)
    return case((is_ascii, func.lower(text)), else_=func.lower(plain))
