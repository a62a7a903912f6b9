"""Column types that several models share."""

from enum import StrEnum

from sqlalchemy import Enum, func, text

NOW = text("clock_now()")
"""The default of a time: the SQL function that gives all times of the product (``app/db/clock.py``)."""

START_OF_TRANSACTION = func.now()
"""The default of the times of runs and jobs, which the schema promises. The product writes these times itself, by the
clock above, because nobody can shift this one."""

OFTEN_UPDATED = {"fillfactor": "90", "autovacuum_vacuum_scale_factor": "0.02"}
"""The storage of a large table whose rows change in place: room in each page, and a vacuum after 2 % of the rows."""


def status_type(values: type[StrEnum]) -> Enum:
    """Return a VARCHAR(20) that holds the enum's values, not its names. Migrations create the CHECKs on the values."""
    return Enum(
        values,
        native_enum=False,
        create_constraint=False,
        length=20,
        values_callable=lambda members: [member.value for member in members],
    )
