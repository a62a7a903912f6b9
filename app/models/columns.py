"""Column types that several models share."""

from enum import StrEnum

from sqlalchemy import Enum


def status_type(words: type[StrEnum]) -> Enum:
    """A VARCHAR(20) that holds the enum's values, not its names. The CHECK on the words is a migration's business."""
    return Enum(
        words,
        native_enum=False,
        create_constraint=False,
        length=20,
        values_callable=lambda members: [member.value for member in members],
    )
