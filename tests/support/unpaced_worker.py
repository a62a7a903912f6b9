"""The product's worker without a pause between two requests to a source. Only boards on loopback are read so."""

from app import create_app
from tests.support.unpaced_sources import remove_pace

remove_pace()
celery = create_app().extensions["celery"]
