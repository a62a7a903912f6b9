"""Entry point of the worker: ``celery -A celery_worker worker``."""

from app import create_app

celery = create_app().extensions["celery"]
