"""The tables, and the enums of their columns. A run is one row of ``ingestion_runs`` and nothing else.

No statements here: those belong to services.
"""

from app.models.company import MAX_COMPANIES, MAX_COMPANY_NAME_LENGTH, Company, Outcome
from app.models.credential import MAX_SESSIONS, MAX_TOKENS, Credential, CredentialKind
from app.models.heartbeat import Component, Heartbeat
from app.models.ingestion_run import MAX_RUN_ID, IngestionRun, RunStatus
from app.models.job import Job, JobStatus
from app.models.preview import ListingState, Preview, PreviewCompany, PreviewPosting, RemovedPreview
from app.models.run_event import RunEvent
from app.models.user import User

__all__ = [
    "MAX_COMPANY_NAME_LENGTH",
    "MAX_COMPANIES",
    "MAX_RUN_ID",
    "MAX_SESSIONS",
    "MAX_TOKENS",
    "Company",
    "Component",
    "Credential",
    "CredentialKind",
    "Heartbeat",
    "IngestionRun",
    "Job",
    "JobStatus",
    "ListingState",
    "Outcome",
    "Preview",
    "PreviewCompany",
    "PreviewPosting",
    "RemovedPreview",
    "RunEvent",
    "RunStatus",
    "User",
]
