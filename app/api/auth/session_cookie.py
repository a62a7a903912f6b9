"""The cookie that carries a session: out of reach for scripts, signed, and ours alone."""

from flask import Response, current_app, request
from itsdangerous import BadSignature, Signer

from app.config.settings import Settings
from app.models import CredentialKind
from app.services.accounts import credentials
from app.services.accounts.credentials import SESSION_SECONDS

MAX_BROWSER_NAME_LENGTH = 200


def shown_secret() -> str | None:
    """The secret of the session that this request's cookie carries, or None. A forged one asks nobody any further."""
    try:
        return _signer().unsign(request.cookies.get(_settings().session_cookie, "")).decode()
    except (BadSignature, UnicodeDecodeError):
        return None


def remember(secret: str) -> Response:
    """An answer that makes the browser carry the session from now on."""
    settings, answer = _settings(), _nothing()
    answer.set_cookie(
        settings.session_cookie,
        _signer().sign(secret).decode(),
        max_age=SESSION_SECONDS,
        secure=settings.is_public_https,
        httponly=True,
        samesite="Lax",
    )
    return answer


def forget() -> Response:
    """An answer that makes the browser carry it no longer."""
    settings, answer = _settings(), _nothing()
    answer.delete_cookie(settings.session_cookie, secure=settings.is_public_https, httponly=True, samesite="Lax")
    return answer


def end() -> None:
    """End the session that this request's cookie carries, if it carries one."""
    secret = shown_secret()
    if secret and (session := credentials.find(CredentialKind.SESSION, secret)):
        credentials.end(session.credential_id)


def browser_name() -> str:
    """What the browser calls itself, for its user to know the session by."""
    name = "".join(each for each in request.headers.get("User-Agent", "") if each.isprintable())
    return name[:MAX_BROWSER_NAME_LENGTH] or "unknown"


def _nothing() -> Response:
    answer = Response(status=204)
    del answer.headers["Content-Type"]
    return answer


def _signer() -> Signer:
    """It signs with the SECRET_KEY, and believes the keys that were it before, too."""
    settings = _settings()
    return Signer([*reversed(settings.secret_key_fallbacks), settings.secret_key or ""], salt="session")


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings
