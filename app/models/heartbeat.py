from datetime import datetime
from enum import StrEnum

from sqlalchemy import DateTime, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Base


class Component(StrEnum):
    """The parts of the product whose life is read from PostgreSQL, so that a stopped Redis cannot block the reader."""

    WORKER = "worker"
    """A Celery worker whose event loop turns."""

    RECONCILER = "reconciler"
    """A reconcile loop that completes its passes."""

    REDIS = "redis"
    """The broker, as a reconciler saw it answer."""


class Heartbeat(Base):
    """When one instance of a component was last known to be well."""

    __tablename__ = "heartbeats"

    component: Mapped[str] = mapped_column(Text, primary_key=True)
    instance: Mapped[str] = mapped_column(Text, primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
