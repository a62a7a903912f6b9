from datetime import datetime
from enum import StrEnum

from sqlalchemy import DateTime, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Base


class Component(StrEnum):
    """A part of the product that has a heartbeat."""

    WORKER = "worker"
    """A Celery worker that carries out runs; its heartbeat stops if its event loop hangs."""

    PREVIEWER = "previewer"
    """A Celery worker that works on previews."""

    READER = "reader"
    """A Celery worker that reads boards."""

    RECONCILER = "reconciler"
    """A reconciler; its heartbeat follows each pass."""

    REDIS = "redis"
    """The broker; a reconciler writes its heartbeat after each successful ping."""


class Heartbeat(Base):
    """The latest heartbeat of one instance of a component."""

    __tablename__ = "heartbeats"

    component: Mapped[str] = mapped_column(Text, primary_key=True)
    instance: Mapped[str] = mapped_column(Text, primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
