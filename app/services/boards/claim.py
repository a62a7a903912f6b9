"""The value that a worker holds while it reads a board."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.sources.types import Validators


@dataclass(frozen=True)
class Claim:
    """A board that this worker has claimed, and the reading that it has begun."""

    board_id: int
    listing_id: int
    """The reading: a row of ``listings`` in the state READING."""
    lease_id: UUID
    """The fencing token. A write is void once another worker has claimed the board."""
    source: str
    board: str
    began_at: datetime
    attempt: int
    """1 for the first claim since the last ended listing."""
    is_second_look: bool
    validators: Validators | None
    """Those of the last complete listing, if a conditional request may be sent."""
    schema_version: int | None
    """The version of the parser at the last reading; None if there was none."""
