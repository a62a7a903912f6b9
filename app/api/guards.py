"""What every request passes before a handler sees it: a name, and proof that it comes from where it may."""

import hmac
import re
import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog
from flask import Flask, Request, Response, current_app, g, request

from app.api.bodies import SAFE_METHODS
from app.api.connections import bound_connection
from app.checks import is_loopback
from app.config import Settings
from app.errors import Forbidden

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

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
"""What browsers are told with every answer (OWASP's secure headers)."""

ONLY_BY_TLS = "max-age=31536000"
"""For a year. Not for the hosts below ours, of which the product knows nothing."""

WELL_FORMED_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")


class Headers:
    """Tells browsers with every answer what they may do with it.

    Behind Flask, because there each header is looked at twice, with every answer anew.
    """

    def __init__(self, wsgi_app: "WSGIApplication", settings: Settings) -> None:
        self.wsgi_app = wsgi_app
        self.headers = list(HEADERS.items())
        if settings.is_public_https:
            self.headers.append(("Strict-Transport-Security", ONLY_BY_TLS))

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer as the application does, with our headers besides its own."""

        def begin(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            return start_response(status, headers + self.headers, *error)

        return self.wsgi_app(environ, begin)


def init_app(app: Flask) -> None:
    """Put the guards in front of every request, unknown addresses included."""
    app.wsgi_app = Headers(app.wsgi_app, app.config["SETTINGS"])  # type: ignore[method-assign]
    app.before_request(pass_guards)
    app.after_request(finish_answer)
    app.teardown_request(forget_request)


def pass_guards() -> None:
    """Lead the request past all of them. Raises what they raise."""
    # ``request`` itself would look at each use for the request that it stands for.
    asked: Request = request._get_current_object()  # type: ignore[attr-defined]
    settings = _settings()
    bound_connection(asked.environ)
    name_request(asked)
    refuse_foreign_peer(asked, settings)
    refuse_foreign_host(asked, settings)
    refuse_foreign_page(asked, settings)


def name_request(asked: Request) -> None:
    """Give the request an id: its own if that is well-formed, so nobody writes what he likes into our logs."""
    offered = asked.headers.get("X-Request-ID", "")
    g.request_id = offered if WELL_FORMED_REQUEST_ID.fullmatch(offered) else uuid.uuid4().hex
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def forget_request(_error: BaseException | None) -> None:
    """Nothing else that this thread does is on the request's behalf."""
    structlog.contextvars.clear_contextvars()


def finish_answer(answer: Response) -> Response:
    """Say the request's id, and that nobody may keep the answer unless it says so itself."""
    answer.headers["X-Request-ID"] = g.request_id
    answer.headers.setdefault("Cache-Control", "no-store")
    return answer


def refuse_foreign_peer(asked: Request, settings: Settings) -> None:
    """AUTH=local answers this machine only, whatever address the server was bound to. Raises Forbidden."""
    if settings.auth == "local" and not is_loopback(asked.remote_addr or ""):
        raise Forbidden("This server answers its own machine only.")


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
        raise Forbidden("This server does not go by that Host name.")


def refuse_foreign_page(asked: Request, settings: Settings) -> None:
    """Refuse a change that another site's page asks for in our user's browser. Raises Forbidden.

    Browsers say in Sec-Fetch-Site and Origin where a request comes from (OWASP's CSRF cheat sheet); programs say
    neither and pass, and a Bearer token is nothing that a browser adds by itself. Signing in and out have no use for a
    token; what they do, they do to the cookie.
    """
    by_token = asked.headers.get("Authorization", "").startswith("Bearer ") and asked.endpoint not in COOKIE_SETTERS
    if asked.method in SAFE_METHODS or by_token:
        return
    site, origin = asked.headers.get("Sec-Fetch-Site"), asked.headers.get("Origin")
    own = settings.public_url or asked.host_url.rstrip("/")
    if site not in (None, "same-origin", "none") or origin not in (None, own):
        raise Forbidden("Another site's page may not change anything here.")


def sees_internals() -> bool:
    """Whether this peer may read metrics and the details of health: loopback, or who knows the METRICS_TOKEN.

    Loopback is not taken from X-Forwarded-For alone: whoever reaches the port past the proxy can write that himself.
    """
    token = _settings().metrics_token
    known = token is not None and hmac.compare_digest(
        request.headers.get("Authorization", "").encode(), f"Bearer {token}".encode()
    )
    direct = request.environ.get("werkzeug.proxy_fix.orig", {}).get("REMOTE_ADDR", request.remote_addr)
    return known or (is_loopback(direct or "") and is_loopback(request.remote_addr or ""))


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings
