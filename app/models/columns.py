"""Column types that several models share."""

from enum import StrEnum

from sqlalchemy import Enum, func, text

NOW = text("clock_now()")
"""The default of a time: the SQL function that gives all times of the product (``app/db/clock.py``)."""

START_OF_TRANSACTION = func.now()
"""The default of the times of runs and jobs, which the schema promises. The product writes these times itself, by the
clock above, because nobody can shift this one."""


def status_type(values: type[StrEnum]) -> Enum:
    """Return a VARCHAR(20) that holds the enum's values, not its names. Migrations create the CHECKs on the values."""
    return Enum(
        values,
        native_enum=False,
        create_constraint=False,
        length=20,
        values_callable=lambda members: [member.value for member in members],
    )
