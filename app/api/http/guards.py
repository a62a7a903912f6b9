"""Guards before every request: they set its id and a write timeout, and check Host, client address and origin."""

import hmac
import re
import uuid
from urllib.parse import urlsplit

import structlog
from flask import Flask, Request, Response, current_app, g, request
from flask.globals import request_ctx
from werkzeug.exceptions import BadRequest

from app.api.auth.current_user import SAFE_METHODS
from app.api.http.connections import set_write_timeout
from app.api.http.errors import RequestForbidden
from app.config.settings import Settings
from app.config.validators import is_loopback

COOKIE_ENDPOINTS = ("auth.login", "auth.logout")
"""They set or clear the session cookie."""

SECURITY_HEADERS = {
    # The page's scripts, styles and requests are our own files and our own API, and nobody may frame it.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
    " font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Headers of every response (OWASP's secure headers)."""

STRICT_TRANSPORT_SECURITY = "max-age=31536000"
"""One year, without subdomains: they may belong to other products."""

REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")


def init_app(app: Flask) -> None:
    """Run the guards before every request, those to unknown addresses included."""
    app.before_request(run_guards)
    app.after_request(add_headers)
    app.teardown_request(clear_log_context)


def run_guards() -> None:
    """Run all guards. Raises BadRequest or RequestForbidden."""
    # The request object itself: each access through the proxy ``request`` costs a look-up.
    settings, req = _settings(), request_ctx.request
    set_write_timeout(req.environ)
    assign_request_id(req)
    require_host(req)
    check_peer(req, settings)
    check_host(req, settings)
    check_origin(req, settings)


def assign_request_id(req: Request) -> None:
    """Set the request's id.

    A well-formed X-Request-ID of the client is kept; any other could forge log lines.
    """
    offered = req.headers.get("X-Request-ID", "")
    g.request_id = offered if REQUEST_ID.fullmatch(offered) else uuid.uuid4().hex
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def clear_log_context(_error: BaseException | None) -> None:
    """Remove the request's id from the log lines that this thread writes later."""
    structlog.contextvars.clear_contextvars()


def add_headers(response: Response) -> Response:
    """Add the request's id, the security headers, and ``no-store`` unless the response has a Cache-Control."""
    for name, value in common_headers(_settings(), g.request_id).items():
        response.headers.setdefault(name, value)
    return response


def common_headers(settings: Settings, request_id: str) -> dict[str, str]:
    """Return the headers of every response, also of those that the server gives to malformed HTTP by itself."""
    transport = {"Strict-Transport-Security": STRICT_TRANSPORT_SECURITY} if settings.is_public_https else {}
    return {"Cache-Control": "no-store", "X-Request-ID": request_id, **SECURITY_HEADERS, **transport}


def require_host(req: Request) -> None:
    """Refuse HTTP/1.1 without a Host header (RFC 9112, 3.2); gunicorn itself refuses two. Raises BadRequest.

    X-Forwarded-Host does not count: this reads the header as it arrived.
    """
    host = _value_before_proxy_fix(req, "HTTP_HOST")
    if not host and req.environ["SERVER_PROTOCOL"] != "HTTP/1.0":
        raise BadRequest("The request has no Host header.")


def check_peer(req: Request, settings: Settings) -> None:
    """With AUTH=local, refuse other machines, whatever address the server is bound to. Raises RequestForbidden."""
    if settings.auth == "local" and not is_loopback(req.remote_addr or ""):
        raise RequestForbidden("With AUTH=local, only this machine may use the server.")


def check_host(req: Request, settings: Settings) -> None:
    """Refuse requests for another host name. Raises RequestForbidden.

    AUTH=local allows loopback names only. This stops DNS rebinding: a page of example.org, whose name now resolves to
    127.0.0.1, still sends Host: example.org.

    Without AUTH=local, the host name must be that of PUBLIC_URL. Health checks are exempt, because probes often use an
    IP address.
    """
    name = urlsplit(f"//{req.host}").hostname or ""
    if settings.auth == "local":
        fits = is_loopback(name)
    else:
        fits = settings.public_url is None or name == urlsplit(settings.public_url).hostname
    if not fits and not (settings.auth != "local" and req.blueprint == "health"):
        port = req.environ["SERVER_PORT"]
        own = f"http://127.0.0.1:{port} or http://localhost:{port}" if settings.auth == "local" else settings.public_url
        raise RequestForbidden(f"This server does not serve the host name of this request. Use {own}.")


def check_origin(req: Request, settings: Settings) -> None:
    """Refuse a change that another site's page requests in the user's browser (CSRF). Raises RequestForbidden.

    Browsers name the origin in Sec-Fetch-Site and Origin (OWASP's CSRF cheat sheet). Programs send neither and pass.
    So does a Bearer token: no browser adds one by itself. Login and logout are always checked, because they ignore
    tokens and act on the cookie.
    """
    has_token = req.headers.get("Authorization", "").startswith("Bearer ")
    if req.method in SAFE_METHODS or (has_token and req.endpoint not in COOKIE_ENDPOINTS):
        return
    site, origin = req.headers.get("Sec-Fetch-Site"), req.headers.get("Origin")
    own = settings.public_url or req.host_url.rstrip("/")
    if site not in (None, "same-origin", "none") or origin not in (None, own):
        raise RequestForbidden("The request came from a page of another site, so nothing was changed.")


def may_read_internals() -> bool:
    """Return whether the client may read metrics and health details: over loopback, or with the METRICS_TOKEN.

    X-Forwarded-For alone does not prove loopback: clients that reach the port past the proxy can forge it.
    """
    token = _settings().metrics_token
    has_token = token is not None and hmac.compare_digest(
        request.headers.get("Authorization", "").encode(), f"Bearer {token}".encode()
    )
    peer = _value_before_proxy_fix(request, "REMOTE_ADDR") or ""
    return has_token or (is_loopback(peer) and is_loopback(request.remote_addr or ""))


def _value_before_proxy_fix(req: Request, name: str) -> str | None:
    """Return a value of the WSGI environment as the server received it."""
    value: str | None = req.environ.get("werkzeug.proxy_fix.orig", req.environ).get(name)
    return value


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings
