"""Celery without the application."""

from celery import Celery
from flask import Flask

from app.config.settings import Settings
from app.worker.celery_app import celery_init_app


def bare_celery(settings: Settings) -> Celery:
    """Return Celery as an application with these settings configures it."""
    app = Flask("bare")
    app.config.from_mapping(settings.flask_config())
    return celery_init_app(app)
