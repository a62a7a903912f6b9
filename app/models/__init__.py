"""The tables. What a run *is* is one row of ``ingestion_runs``."""

from app.models.company import LONGEST_NAME, MOST_COMPANIES, Company, Outcome
from app.models.credential import Credential, CredentialKind
from app.models.heartbeat import Component, Heartbeat
from app.models.ingestion_run import LARGEST_RUN_ID, IngestionRun, RunStatus
from app.models.job import Job, JobStatus
from app.models.preview import ListingState, Preview, PreviewCompany, PreviewPosting
from app.models.run_event import RunEvent
from app.models.user import User

__all__ = [
    "LONGEST_NAME",
    "MOST_COMPANIES",
    "LARGEST_RUN_ID",
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
    "RunEvent",
    "RunStatus",
    "User",
]
