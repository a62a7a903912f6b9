"""SOURCE_BASE_URLS: what it may be, and the sentences for what it may not."""

import json
import os
import re
import subprocess
import sys

import pytest

from app.config.settings import PROJECT, SettingsError
from app.sources.base_urls import base_keys, read_base_urls


def test_every_base_address_of_a_system_has_a_key():
    assert base_keys() == [
        *("greenhouse", "lever", "lever_eu", "ashby", "personio", "personio_com"),
        *("recruitee", "teamtailor", "workable", "website"),
    ]


def test_every_key_is_in_the_readme():
    _, _, text = (PROJECT / "README.md").read_text().partition("The keys of `SOURCE_BASE_URLS` are")
    text, _, _ = text.partition("An address")
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
def test_an_address_stands_in_for_a_systems_own(url):
    assert read_base_urls(json.dumps({"lever_eu": url})) == {"lever_eu": url}


def test_without_it_the_systems_are_asked_themselves():
    assert read_base_urls("") == read_base_urls(" ") == read_base_urls("{}") == {}


@pytest.mark.parametrize("text", ["https://mirror.example", "{", "[]", "null", '"lever"', "lever=x", "[" * 100_000])
def test_what_is_no_json_object_is_refused(text):
    with pytest.raises(SettingsError) as fault:
        read_base_urls(text)
    assert str(fault.value) == (
        'SOURCE_BASE_URLS must be a JSON object of sources and addresses, like {"lever": "https://api.lever.co"}.'
    )


@pytest.mark.parametrize("key", ["levr", "LEVER_URL", "lever_", "lever_us", ""])
def test_an_unknown_key_is_refused_with_those_that_are_known(key):
    with pytest.raises(SettingsError) as fault:
        read_base_urls(json.dumps({key: "https://mirror.example"}))
    assert str(fault.value) == (
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
def test_what_is_no_https_address_is_refused_and_not_repeated(url):
    with pytest.raises(SettingsError) as fault:
        read_base_urls(json.dumps({"lever": url}))
    sentence = 'SOURCE_BASE_URLS["lever"] must be an https address (plain http only on 127.0.0.1 or localhost).'
    assert str(fault.value) == sentence


def test_all_faults_are_told_at_once():
    with pytest.raises(SettingsError) as fault:
        read_base_urls('{"levr": "x", "lever": "x", "ashby": "https://mirror.example"}')
    assert len(str(fault.value).splitlines()) == 2


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
def test_whatever_is_started_ends_with_the_sentence_alone(command, tmp_path):
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), "AUTH": "local"}
    environment["SOURCE_BASE_URLS"] = '{"lever": "http://mirror.example"}'
    ended = subprocess.run(
        [sys.executable, *command], cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode != 0
    assert 'SOURCE_BASE_URLS["lever"] must be an https address' in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr
