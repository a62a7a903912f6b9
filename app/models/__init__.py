"""The tables. What a run *is* is one row of ``ingestion_runs``."""

from app.models.credential import Credential, CredentialKind
from app.models.heartbeat import Component, Heartbeat
from app.models.ingestion_run import LARGEST_RUN_ID, IngestionRun, RunStatus
from app.models.job import Job, JobStatus
from app.models.run_event import RunEvent
from app.models.user import User

__all__ = [
    "LARGEST_RUN_ID",
    "Component",
    "Credential",
    "CredentialKind",
    "Heartbeat",
    "IngestionRun",
    "Job",
    "JobStatus",
    "RunEvent",
    "RunStatus",
    "User",
]
