"""The product's worker without a pause between two requests to a source. Only boards on loopback are read so."""

from dataclasses import replace

from app import create_app
from app.sources.adapters.registry import SOURCES

for key, source in list(SOURCES.items()):
    SOURCES[key] = replace(source, pace_seconds=0.0)

celery = create_app().extensions["celery"]
