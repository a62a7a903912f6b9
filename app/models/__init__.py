"""The tables, and the enums of their columns. A run is one row of ``ingestion_runs`` and nothing else.

No statements here: those belong to services.
"""

from app.models.board import (
    Board,
    CloseReason,
    EventKind,
    Listing,
    Posting,
    PostingEvent,
    PostingRevision,
    ReadingState,
    SourceSwitch,
)
from app.models.company import MAX_COMPANIES, MAX_COMPANY_NAME_LENGTH, Company, Outcome
from app.models.credential import MAX_SESSIONS, MAX_TOKENS, Credential, CredentialKind
from app.models.heartbeat import Component, Heartbeat
from app.models.ingestion_run import MAX_RUN_ID, IngestionRun, RunStatus
from app.models.job import Job, JobStatus
from app.models.preview import Preview, PreviewCompany, PreviewPosting, RemovedPreview, UnitState
from app.models.run_event import RunEvent
from app.models.user import User

__all__ = [
    "MAX_COMPANY_NAME_LENGTH",
    "MAX_COMPANIES",
    "MAX_RUN_ID",
    "MAX_SESSIONS",
    "MAX_TOKENS",
    "Board",
    "CloseReason",
    "Company",
    "Component",
    "Credential",
    "CredentialKind",
    "EventKind",
    "Heartbeat",
    "IngestionRun",
    "Job",
    "JobStatus",
    "Listing",
    "Outcome",
    "Posting",
    "PostingEvent",
    "PostingRevision",
    "Preview",
    "PreviewCompany",
    "PreviewPosting",
    "ReadingState",
    "RemovedPreview",
    "RunEvent",
    "RunStatus",
    "SourceSwitch",
    "UnitState",
    "User",
]
