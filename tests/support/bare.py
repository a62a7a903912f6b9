"""Parts of the product on their own."""

from celery import Celery
from flask import Flask

from app.config.settings import Settings
from app.worker.celery_app import celery_init_app


def bare_celery(settings: Settings) -> Celery:
    """Celery as an application with these settings has it, without the application."""
    app = Flask("bare")
    app.config.from_mapping(settings.flask_config())
    return celery_init_app(app)
