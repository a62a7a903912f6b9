"""Guards that every request passes before its handler: it gets an id, and must come from where it may."""

import hmac
import re
import uuid
from urllib.parse import urlsplit

import structlog
from flask import Flask, Request, Response, current_app, g, request
from flask.globals import request_ctx
from werkzeug.exceptions import BadRequest

from app.api.auth.current_user import SAFE_METHODS
from app.api.http.connections import bound_connection
from app.api.http.errors import RequestForbidden
from app.config.settings import Settings
from app.config.validators import is_loopback

COOKIE_SETTERS = ("auth.login", "auth.logout")

HEADERS = {
    # The page's scripts, styles and requests are our own files and our own API, and nobody may frame it.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
    " font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Headers for browsers, in every answer (OWASP's secure headers)."""

ONLY_BY_TLS = "max-age=31536000"
"""For a year. Not for the hosts below ours, of which the product knows nothing."""

WELL_FORMED_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")


def init_app(app: Flask) -> None:
    """Put the guards in front of every request, unknown addresses included."""
    app.before_request(pass_guards)
    app.after_request(finish_answer)
    app.teardown_request(forget_request)


def pass_guards() -> None:
    """Lead the request past all of them. Raises what they raise."""
    # The request itself; ``request`` would look it up at each use.
    settings, asked = _settings(), request_ctx.request
    bound_connection(asked.environ)
    name_request(asked)
    require_host(asked)
    refuse_foreign_peer(asked, settings)
    refuse_foreign_host(asked, settings)
    refuse_foreign_page(asked, settings)


def name_request(asked: Request) -> None:
    """Give the request an id: its own if that is well-formed, so clients cannot write what they like into our logs."""
    offered = asked.headers.get("X-Request-ID", "")
    g.request_id = offered if WELL_FORMED_REQUEST_ID.fullmatch(offered) else uuid.uuid4().hex
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def forget_request(_error: BaseException | None) -> None:
    """Nothing else that this thread does is on the request's behalf."""
    structlog.contextvars.clear_contextvars()


def finish_answer(answer: Response) -> Response:
    """Add the request's id, the headers for browsers and, unless the answer has its own, ``no-store``."""
    answer.headers.setdefault("Cache-Control", "no-store")
    answer.headers.extend({"X-Request-ID": g.request_id, **HEADERS})
    if _settings().is_public_https:
        answer.headers["Strict-Transport-Security"] = ONLY_BY_TLS
    return answer


def require_host(asked: Request) -> None:
    """Refuse HTTP/1.1 without a Host (RFC 9112, 3.2); gunicorn refuses a second one itself. Raises BadRequest.

    A proxy's X-Forwarded-Host is no Host: the header is looked for as it arrived.
    """
    host = _arrived(asked, "HTTP_HOST")
    if not host and asked.environ["SERVER_PROTOCOL"] != "HTTP/1.0":
        raise BadRequest("The request names no Host.")


def refuse_foreign_peer(asked: Request, settings: Settings) -> None:
    """AUTH=local answers this machine only, whatever address the server was bound to. Raises Forbidden."""
    if settings.auth == "local" and not is_loopback(asked.remote_addr or ""):
        raise RequestForbidden("This server answers its own machine only.")


def refuse_foreign_host(asked: Request, settings: Settings) -> None:
    """Answer only to our own name.

    AUTH=local: a loopback name, which stops DNS rebinding (a page of example.org whose name turns to 127.0.0.1 still
    sends Host: example.org). Otherwise PUBLIC_URL's, except to probes of health, which call by address.
    Raises Forbidden.
    """
    name = urlsplit(f"//{asked.host}").hostname or ""
    if settings.auth == "local":
        fits = is_loopback(name)
    else:
        fits = settings.public_url is None or name == urlsplit(settings.public_url).hostname
    if not fits and not (settings.auth != "local" and asked.blueprint == "health"):
        raise RequestForbidden("This server does not go by that Host name.")


def refuse_foreign_page(asked: Request, settings: Settings) -> None:
    """Refuse a change that another site's page asks for in our user's browser. Raises Forbidden.

    Browsers say in Sec-Fetch-Site and Origin where a request comes from (OWASP's CSRF cheat sheet); programs say
    neither and pass, and a Bearer token is nothing that a browser adds by itself. Signing in and out have no use for a
    token; what they do, they do to the cookie.
    """
    has_token = asked.headers.get("Authorization", "").startswith("Bearer ")
    if asked.method in SAFE_METHODS or (has_token and asked.endpoint not in COOKIE_SETTERS):
        return
    site, origin = asked.headers.get("Sec-Fetch-Site"), asked.headers.get("Origin")
    own = settings.public_url or asked.host_url.rstrip("/")
    if site not in (None, "same-origin", "none") or origin not in (None, own):
        raise RequestForbidden("Another site's page may not change anything here.")


def sees_internals() -> bool:
    """Return whether this peer may read metrics and the details of health: on loopback, or by the METRICS_TOKEN.

    Loopback is not taken from X-Forwarded-For alone: whoever reaches the port past the proxy can write that himself.
    """
    token = _settings().metrics_token
    known = token is not None and hmac.compare_digest(
        request.headers.get("Authorization", "").encode(), f"Bearer {token}".encode()
    )
    return known or (is_loopback(_arrived(request, "REMOTE_ADDR") or "") and is_loopback(request.remote_addr or ""))


def _arrived(asked: Request, name: str) -> str | None:
    """A value of the WSGI environment as it was before ProxyFix."""
    value: str | None = asked.environ.get("werkzeug.proxy_fix.orig", asked.environ).get(name)
    return value


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings
