"""The tables, and the enums of their columns.

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
from app.models.job import Job, JobEvent, JobEventKind, JobStatus
from app.models.preview import Preview, PreviewCompany, PreviewPosting, RemovedPreview, UnitState
from app.models.run_company import ClosingsState, RunClosings, RunCompany, RunCompanyState
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
    "ClosingsState",
    "Company",
    "Component",
    "Credential",
    "CredentialKind",
    "EventKind",
    "Heartbeat",
    "IngestionRun",
    "Job",
    "JobEvent",
    "JobEventKind",
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
    "RunClosings",
    "RunCompany",
    "RunCompanyState",
    "RunEvent",
    "RunStatus",
    "SourceSwitch",
    "UnitState",
    "User",
]
