"""SOURCE_BASE_URLS: replacements for the base addresses of sources, for tests, drills and mirrors."""

import json
import os
from typing import Any

from app.config.settings import SettingsError
from app.config.validators import is_loopback
from app.sources.adapters.registry import SOURCES
from app.sources.board_token import TOKEN_PLACEHOLDER
from app.sources.parsing.urls import split

EXAMPLE = '{"lever": "https://api.lever.co"}'


def base_keys() -> list[str]:
    """Return the permitted keys of the setting, in the order of the sources."""
    return [source.base_key(region) for source in SOURCES.values() for region in source.bases]


def read_base_urls(text: str) -> dict[str, str]:
    """Parse the setting; blank means no replacements. Raises SettingsError with one sentence for each fault."""
    found = _document(text) if text.strip() else {}
    faults = [fault for key, url in found.items() if (fault := _fault(key, url))]
    # Refuse the old names: an operator who set one to a mirror would unknowingly send requests to the real source.
    faults += [
        f'{key.upper()}_URL is no longer read: set SOURCE_BASE_URLS={{"{key}": "…"}} instead.'
        for key in base_keys()
        if os.environ.get(f"{key.upper()}_URL")
    ]
    if faults:
        raise SettingsError("\n".join(faults))
    return found


def _document(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise SettingsError(f"SOURCE_BASE_URLS must be a JSON object of sources and addresses, like {EXAMPLE}.")
    return document


def _fault(key: str, url: Any) -> str | None:
    if key not in base_keys():
        return f"SOURCE_BASE_URLS has the unknown key {json.dumps(key)}; the keys are {', '.join(base_keys())}."
    if not isinstance(url, str) or not _is_base(url):
        place = f"SOURCE_BASE_URLS[{json.dumps(key)}]"
        return f"{place} must be an https address (plain http only on 127.0.0.1 or localhost)."
    return None


def _is_base(url: str) -> bool:
    """Return whether this is an https URL, or an http one on this machine, without query, fragment or user."""
    parts = split(url.replace(TOKEN_PLACEHOLDER, "token"))
    if parts is None or url != url.strip() or parts.query or parts.fragment or "@" in parts.netloc:
        return False
    return parts.scheme == "https" or is_loopback(parts.hostname or "")
