"""Job Ingestion: start, watch and abort ingestion runs."""

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from app import commands, extensions, problems
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
    source_routes,
    throttle,
)
from app.api.documentation import DocumentPlugin, security_schemes, serve_document
from app.celery_app import celery_init_app
from app.config import PROJECT, Settings
from app.db.engine import init_engine, large_engine, make_turns
from app.observability import logs
from app.runtime.cooperative import PARSING
from app.sources.base_urls import read_base_urls
from app.sources.host import Host
from app.sources.rate_limit import RateLimiter, connect


def create_app(settings: Settings | None = None) -> Flask:
    """Make the application; without ``settings`` from the environment. Raises SettingsError."""
    settings = settings or Settings.from_env()
    logs.configure(settings.log_format)
    app = Flask("app", static_folder=None)
    app.config.from_mapping(settings.flask_config())
    app.url_map.merge_slashes = False
    app.json.sort_keys = False  # type: ignore[attr-defined]
    if hops := settings.proxy_hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    extensions.db.init_app(app)
    with app.app_context():
        init_engine(extensions.db.engine)
        app.extensions["database_turns"] = make_turns(extensions.db.engine)
        app.extensions["large_engine"] = large_engine(extensions.db.engine)
    bases = read_base_urls(settings.source_base_urls)
    limiter = RateLimiter(connect(settings.redis_url))
    app.extensions["sources"] = Host(limiter, bases, settings.contact, compute=PARSING.run)
    extensions.migrate.init_app(app, extensions.db, directory=str(PROJECT / "migrations"))
    celery_init_app(app)
    problems.init_app(app)
    measures.init_app(app)
    guards.init_app(app)
    api = problems.Api(app, spec_kwargs={"extra_plugins": [DocumentPlugin()]})
    for name, scheme in security_schemes(settings).items():
        api.spec.components.security_scheme(name, scheme)
    ids.init_app(app)
    throttle.init_app(app)
    api.register_blueprint(ingestion_routes.blueprint)
    api.register_blueprint(source_routes.blueprint)
    api.register_blueprint(company_routes.blueprint)
    api.register_blueprint(preview_routes.blueprint)
    api.register_blueprint(auth_routes.blueprint)
    api.register_blueprint(health_routes.blueprint)
    serve_document(app, api)
    page_routes.init_app(app, api)
    commands.init_app(app)
    return app
