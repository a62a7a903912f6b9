"""Conventions of the page's code."""

import json
import re
from pathlib import Path

import pytest

from app.config.settings import PROJECT
from app.models import RunStatus

FRONTEND = PROJECT / "frontend"
SOURCES = sorted(path for path in (FRONTEND / "src").rglob("*.js") if not path.name.endswith(".test.js"))
COMPONENTS = [path for path in SOURCES if path.parent.name != "test"]
STYLES = sorted((FRONTEND / "src").rglob("*.css"))
GLOBAL_STYLES = {"tokens.css", "base.css"}
COMPONENT_STYLES = [path for path in STYLES if path.name not in GLOBAL_STYLES]
AGREED = {"IngestPage": "ip", "Stage1Configure": "s1", "Stage2Preview": "s2", "Stage3Progress": "s3"}
"""Components whose names and prefixes are fixed."""
MAX_LINES = 150
MAX_TEST_NAME = 70
TESTS = sorted((FRONTEND / "src").rglob("*.test.js"))
UNCLEAR_START = re.compile(r"(What|Whether|Who|Whose|How|When|Where|Which)\b")
"""Words that begin a noun clause; a comment begins with a verb or a noun."""


def relative(path: Path) -> str:
    return str(path.relative_to(FRONTEND))


def classes(path: Path) -> set[str]:
    without_comments = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
    return set(re.findall(r"\.([a-z][\w-]*)(?=[^{}]*\{)", without_comments))


def prefixes(path: Path) -> set[str]:
    return {each.split("-")[0] for each in classes(path)}


def test_class_prefixes_are_unique_to_their_stylesheet():
    found = {path.stem: prefixes(path) for path in COMPONENT_STYLES}
    assert all(len(each) == 1 for each in found.values()), found
    flat = [next(iter(each)) for each in found.values()]
    assert len(set(flat)) == len(flat), found
    assert AGREED.items() <= {stem: next(iter(each)) for stem, each in found.items()}.items()


@pytest.mark.parametrize("path", COMPONENT_STYLES, ids=relative)
def test_stylesheet_begins_with_its_prefix_and_component(path):
    first_line = path.read_text().partition("\n")[0]
    found = re.fullmatch(r"/\* ([a-z0-9]+)-: (.+) \*/", first_line)
    assert found, first_line
    assert {found[1]} == prefixes(path)
    names = re.findall(r"[A-Z]\w+", found[2])
    assert names and all((path.parent / f"{name}.js").is_file() for name in names)


@pytest.mark.parametrize("path", STYLES, ids=relative)
def test_every_class_is_used(path):
    used = set(re.findall(r"[\w-]+", " ".join(source.read_text() for source in COMPONENTS)))
    # Components build the last part of a modifier from a tone or a state.
    assert [each for each in classes(path) if each not in used and f"{each.rpartition('--')[0]}--" not in used] == []


@pytest.mark.parametrize("path", COMPONENTS, ids=relative)
def test_component_uses_only_its_own_and_global_classes(path):
    text = path.read_text()
    styles = [path.parent / each for each in re.findall(r"import '(\./[\w./]+\.css)'", text)]
    known = set().union(*map(classes, [*styles, FRONTEND / "src" / "styles" / "base.css"]))
    written = " ".join("".join(pair) for pair in re.findall(r'className=(?:"([^"]*)"|\{`([^`]*)`\})', text))
    prefixed = {each for each in re.findall(r"[\w-]+", written) if re.match(r"[a-z][a-z0-9]{1,2}-", each)}
    assert {each for each in prefixed if not each.endswith("--")} <= known


@pytest.mark.parametrize("path", COMPONENTS, ids=relative)
def test_only_src_api_contains_addresses_of_the_server(path):
    if path.parent.name != "api":
        without_imports = re.sub(r"['(][./]+/api/[\w.]+'", "", path.read_text())
        assert "/api" not in without_imports
        assert not re.search(r"\bfetch\(", path.read_text())


@pytest.mark.parametrize("path", [*SOURCES, *TESTS], ids=relative)
def test_comments_of_the_page_are_plain(path):
    text = path.read_text()
    comments = re.findall(r"/\*\*?\s*(?:\*\s)?\s*([^@\s].*)|^\s*// (.*)", text, re.MULTILINE)
    assert [comment for comment in map("".join, comments) if UNCLEAR_START.match(comment)] == []
    assert re.findall(r"\b(?:he|his|him|himself)\b", text, re.IGNORECASE) == []


@pytest.mark.parametrize("path", TESTS, ids=relative)
def test_test_names_of_the_page_are_short(path):
    names = re.findall(r"(?:\btest|\]\))\(\s*'([^']*)'", path.read_text())
    assert [name for name in names if len(name) > MAX_TEST_NAME] == []


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_page_files_are_short(path):
    assert len(path.read_text().splitlines()) <= MAX_LINES


@pytest.mark.parametrize("path", COMPONENTS, ids=relative)
def test_component_has_no_inline_style_or_html(path):
    assert "style=" not in path.read_text()
    assert "dangerouslySetInnerHTML" not in path.read_text()


def test_status_table_of_the_page_matches_run_status():
    table = (FRONTEND / "src" / "lib" / "status.js").read_text().partition("export function")[0]
    assert re.findall(r"^  (\w+): \{", table, re.MULTILINE) == [status.value for status in RunStatus]


def test_npm_packages_are_pinned():
    package = json.loads((FRONTEND / "package.json").read_text())
    versions = [*package["dependencies"].values(), *package["devDependencies"].values()]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions)
