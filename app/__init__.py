"""Job Ingestion: start, watch and abort ingestion runs."""

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from app import extensions
from app.api import (
    auth_routes,
    company_routes,
    health_routes,
    ingestion_routes,
    job_routes,
    page_routes,
    preview_routes,
    source_routes,
)
from app.api.auth import rate_limits
from app.api.http import guards, problems, request_metrics, url_converters
from app.api.http.openapi import DocumentPlugin, security_schemes, serve_document
from app.cli import commands
from app.concurrency.compute_pool import PARSING_POOL
from app.config.settings import PROJECT, Settings
from app.db.engine import init_engine, make_connection_slots
from app.observability import logs
from app.sources.base_urls import read_base_urls
from app.sources.http.client import HttpClient
from app.sources.http.rate_limit import RateLimiter, connect
from app.worker.celery_app import celery_init_app

BLUEPRINTS = [
    ingestion_routes.blueprint,
    source_routes.blueprint,
    company_routes.blueprint,
    preview_routes.blueprint,
    job_routes.blueprint,
    auth_routes.blueprint,
    health_routes.blueprint,
]
"""In the order of the OpenAPI document."""


def create_app(settings: Settings | None = None) -> Flask:
    """Create the application. Without ``settings``, reads them from the environment. Raises SettingsError."""
    settings = settings or Settings.from_env()
    logs.configure(settings.log_format)
    app = _create_flask(settings)
    _init_database(app)
    _init_sources(app, settings)
    celery_init_app(app)
    _init_http(app)
    _init_routes(app, settings)
    commands.init_app(app)
    return app


def _create_flask(settings: Settings) -> Flask:
    app = Flask("app", static_folder=None)
    app.config.from_mapping(settings.flask_config())
    app.url_map.merge_slashes = False
    app.json.sort_keys = False  # type: ignore[attr-defined]
    if hops := settings.proxy_hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    return app


def _init_database(app: Flask) -> None:
    extensions.db.init_app(app)
    with app.app_context():
        init_engine(extensions.db.engine)
        app.extensions["connection_slots"] = make_connection_slots(extensions.db.engine)
    extensions.migrate.init_app(app, extensions.db, directory=str(PROJECT / "migrations"))


def _init_sources(app: Flask, settings: Settings) -> None:
    bases = read_base_urls(settings.source_base_urls)
    limiter = RateLimiter(connect(settings.redis_url))
    app.extensions["sources"] = HttpClient(limiter, bases, settings.contact, compute=PARSING_POOL.run)


def _init_http(app: Flask) -> None:
    """Register what every request passes. Metrics come before the guards, so that refused requests count too."""
    problems.init_app(app)
    request_metrics.init_app(app)
    guards.init_app(app)
    url_converters.init_app(app)
    rate_limits.init_app(app)


def _init_routes(app: Flask, settings: Settings) -> None:
    api = problems.Api(app, spec_kwargs={"extra_plugins": [DocumentPlugin()]})
    for name, scheme in security_schemes(settings).items():
        api.spec.components.security_scheme(name, scheme)
    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint)
    serve_document(app, api)
    page_routes.init_app(app, api)
