"""Job Ingestion: start, watch and abort ingestion runs."""

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from app import commands, problems
from app.api import (
    auth_routes,
    company_routes,
    guards,
    health_routes,
    ids,
    ingestion_routes,
    measures,
    page_routes,
    preview_routes,
    sessions,
    source_routes,
    throttle,
)
from app.api.application import Application
from app.api.documentation import DocumentPlugin, security_schemes
from app.celery_app import celery_init_app
from app.config import PROJECT, Settings
from app.connection import init_engine, large_engine
from app.extensions import db, migrate
from app.observability import logs
from app.sources.host import Host
from app.sources.shared import Shared, connect


def create_app(settings: Settings | None = None) -> Flask:
    """Make the application; without ``settings`` from the environment. Raises SettingsError."""
    settings = settings or Settings.from_env()
    logs.configure(settings.log_format)
    app = Application("app", static_folder=None)
    app.config.from_mapping(settings.flask_config())
    app.url_map.merge_slashes = False
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.session_interface = sessions.NoSessions()
    if hops := settings.proxy_hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    db.init_app(app)
    with app.app_context():
        init_engine(db.engine)
        app.extensions["large_engine"] = large_engine(db.engine)
    app.extensions["sources"] = Host(Shared(connect(settings.redis_url)), settings.source_urls, settings.contact)
    migrate.init_app(app, db, directory=str(PROJECT / "migrations"))
    celery_init_app(app)
    problems.init_app(app)
    measures.init_app(app)
    guards.init_app(app)
    api = problems.Api(app, spec_kwargs={"extra_plugins": [DocumentPlugin()]})
    for name, scheme in security_schemes(settings).items():
        api.spec.components.security_scheme(name, scheme)
    ids.init_app(app, api)
    throttle.init_app(app)
    api.register_blueprint(ingestion_routes.blueprint)
    api.register_blueprint(source_routes.blueprint)
    api.register_blueprint(company_routes.blueprint)
    api.register_blueprint(preview_routes.blueprint)
    api.register_blueprint(auth_routes.blueprint)
    api.register_blueprint(health_routes.blueprint)
    page_routes.init_app(app, api)
    commands.init_app(app)
    return app
