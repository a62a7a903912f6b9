"""SOURCE_BASE_URLS: valid values, and the errors for invalid ones."""

import json
import os
import re
import subprocess
import sys

import pytest

from app.config.settings import PROJECT, SettingsError
from app.sources.base_urls import base_keys, read_base_urls


def test_base_keys_cover_every_base_url_of_every_source():
    assert base_keys() == [
        *("greenhouse", "lever", "lever_eu", "ashby", "personio", "personio_com"),
        *("recruitee", "teamtailor", "workable", "website"),
    ]


def test_base_keys_are_listed_in_the_readme():
    _, _, text = (PROJECT / "README.md").read_text().partition("The keys of `SOURCE_BASE_URLS` are")
    text, _, _ = text.partition("A URL is")
    assert re.findall("`([a-z_]+)`", text) == base_keys()


@pytest.mark.parametrize(
    "url",
    [
        "https://mirror.example",
        "https://mirror.example:8443/lever/",
        "https://{token}.mirror.example",
        "https://{token}",
        "http://127.0.0.1:8000",
        "http://localhost/{token}",
        "http://[::1]:8000",
    ],
)
def test_read_base_urls_accepts_https_and_loopback_urls(url):
    assert read_base_urls(json.dumps({"lever_eu": url})) == {"lever_eu": url}


def test_read_base_urls_is_empty_by_default():
    assert read_base_urls("") == read_base_urls(" ") == read_base_urls("{}") == {}


@pytest.mark.parametrize("text", ["https://mirror.example", "{", "[]", "null", '"lever"', "lever=x", "[" * 100_000])
def test_read_base_urls_requires_a_json_object(text):
    with pytest.raises(SettingsError) as raised:
        read_base_urls(text)
    assert str(raised.value) == (
        'SOURCE_BASE_URLS must be a JSON object of sources and addresses, like {"lever": "https://api.lever.co"}.'
    )


@pytest.mark.parametrize("key", ["levr", "LEVER_URL", "lever_", "lever_us", ""])
def test_read_base_urls_refuses_an_unknown_key_and_lists_the_known(key):
    with pytest.raises(SettingsError) as raised:
        read_base_urls(json.dumps({key: "https://mirror.example"}))
    assert str(raised.value) == (
        f'SOURCE_BASE_URLS has the unknown key "{key}"; the keys are greenhouse, lever, lever_eu, ashby, personio,'
        " personio_com, recruitee, teamtailor, workable, website."
    )


@pytest.mark.parametrize(
    "url",
    [
        *("", "mirror.example", "http://mirror.example", "ftp://mirror.example", "https://", "https://["),
        *("https://mirror.example?x=1", "https://mirror.example/#x", "https://u:secret@mirror.example"),
        *("https://mirror.example:port", " https://mirror.example", "https://mir ror.example", None, 7, []),
    ],
)
def test_read_base_urls_refuses_other_urls_without_repeating_them(url):
    with pytest.raises(SettingsError) as raised:
        read_base_urls(json.dumps({"lever": url}))
    sentence = 'SOURCE_BASE_URLS["lever"] must be an https address (plain http only on 127.0.0.1 or localhost).'
    assert str(raised.value) == sentence


def test_read_base_urls_reports_all_errors_together():
    with pytest.raises(SettingsError) as raised:
        read_base_urls('{"levr": "x", "lever": "x", "ashby": "https://mirror.example"}')
    assert len(str(raised.value).splitlines()) == 2


@pytest.mark.parametrize(
    "command",
    [
        ["run.py"],
        ["-m", "flask", "--app", "wsgi", "sources", "list"],
        ["-m", "gunicorn", "wsgi:app"],
        ["-m", "celery", "-A", "celery_worker", "worker"],
    ],
    ids=["make run", "flask", "gunicorn", "celery"],
)
def test_commands_exit_with_the_error_and_no_traceback(command, tmp_path):
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), "AUTH": "local"}
    environment["SOURCE_BASE_URLS"] = '{"lever": "http://mirror.example"}'
    ended = subprocess.run(
        [sys.executable, *command], cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode != 0
    assert 'SOURCE_BASE_URLS["lever"] must be an https address' in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr
