"""The cookie that carries a session's secret: signed, and out of reach of scripts."""

from urllib.parse import urlsplit

from flask import Response, current_app, request
from itsdangerous import BadSignature, Signer

from app.config.settings import Settings
from app.models import CredentialKind
from app.services.accounts import credentials
from app.services.accounts.credentials import SESSION_SECONDS

MAX_USER_AGENT_LENGTH = 200


def cookie_name(settings: Settings) -> str:
    """Return the name of the session cookie. It contains the port, because browsers separate cookies by host alone."""
    port = urlsplit(settings.public_url or "").port
    if settings.is_public_https:
        return f"__Host-session{f'-{port}' if port else ''}"
    return f"session-{settings.port}"


def read_secret() -> str | None:
    """Return the session's secret from the request's cookie; None without one, or if its signature is wrong."""
    try:
        return _signer().unsign(request.cookies.get(cookie_name(_settings()), "")).decode()
    except (BadSignature, UnicodeDecodeError):
        return None


def set_cookie(secret: str) -> Response:
    """Return an empty response that sets the cookie."""
    settings, response = _settings(), _no_content()
    response.set_cookie(
        cookie_name(settings),
        _signer().sign(secret).decode(),
        max_age=SESSION_SECONDS,
        secure=settings.is_public_https,
        httponly=True,
        samesite="Lax",
    )
    return response


def clear_cookie() -> Response:
    """Return an empty response that deletes the cookie."""
    settings, response = _settings(), _no_content()
    response.delete_cookie(cookie_name(settings), secure=settings.is_public_https, httponly=True, samesite="Lax")
    return response


def end_session() -> None:
    """End the session in the request's cookie, if there is one. Commits."""
    secret = read_secret()
    if secret and (session := credentials.find(CredentialKind.SESSION, secret)):
        credentials.end(session.credential_id)


def user_agent() -> str:
    """Return the browser's User-Agent, by which its user recognises the session."""
    text = "".join(each for each in request.headers.get("User-Agent", "") if each.isprintable())
    return text[:MAX_USER_AGENT_LENGTH] or "unknown"


def _no_content() -> Response:
    response = Response(status=204)
    del response.headers["Content-Type"]
    return response


def _signer() -> Signer:
    """Return the signer: it signs with SECRET_KEY, and also verifies with SECRET_KEY_FALLBACKS."""
    settings = _settings()
    return Signer([*reversed(settings.secret_key_fallbacks), settings.secret_key or ""], salt="session")


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings
