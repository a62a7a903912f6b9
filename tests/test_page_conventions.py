"""The rules of the page's code, held by machine."""

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
AGREED = {"IngestPage": "ip", "Stage1Configure": "s1", "Stage2Preview": "s2", "Stage3Progress": "s3"}
"""Components whose names and prefixes are fixed."""


def name(path: Path) -> str:
    return str(path.relative_to(FRONTEND))


def classes(path: Path) -> set[str]:
    without_comments = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
    return set(re.findall(r"\.([a-z][\w-]*)(?=[^{}]*\{)", without_comments))


def prefixes(path: Path) -> set[str]:
    return {found.split("-")[0] for found in classes(path)}


def test_every_stylesheet_has_one_prefix_and_no_two_share_one():
    found = {path.stem: prefixes(path) for path in STYLES if path.name not in GLOBAL_STYLES}
    assert all(len(each) == 1 for each in found.values()), found
    flat = [next(iter(each)) for each in found.values()]
    assert len(set(flat)) == len(flat), found
    assert AGREED.items() <= {stem: next(iter(each)) for stem, each in found.items()}.items()


@pytest.mark.parametrize("path", STYLES, ids=name)
def test_every_class_is_used(path):
    used = set(re.findall(r"[\w-]+", " ".join(source.read_text() for source in COMPONENTS)))
    # The last part of a modifier is put together from a tone.
    assert [each for each in classes(path) if each not in used and f"{each.rpartition('--')[0]}--" not in used] == []


@pytest.mark.parametrize("path", COMPONENTS, ids=name)
def test_a_component_uses_the_classes_of_its_own_stylesheet_and_the_global_ones(path):
    text = path.read_text()
    styles = [path.parent / each for each in re.findall(r"import '(\./[\w./]+\.css)'", text)]
    known = set().union(*map(classes, [*styles, FRONTEND / "src" / "styles" / "base.css"]))
    written = " ".join("".join(pair) for pair in re.findall(r'className=(?:"([^"]*)"|\{`([^`]*)`\})', text))
    prefixed = {each for each in re.findall(r"[\w-]+", written) if re.match(r"[a-z][a-z0-9]-", each)}
    assert {each for each in prefixed if not each.endswith("--")} <= known


@pytest.mark.parametrize("path", COMPONENTS, ids=name)
def test_addresses_of_the_server_stand_in_src_api_alone(path):
    if path.parent.name != "api":
        imports_left_out = re.sub(r"['(][./]+/api/[\w.]+'", "", path.read_text())
        assert "/api" not in imports_left_out
        assert not re.search(r"\bfetch\(", path.read_text())


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_files_of_the_page_stay_small(path):
    assert len(path.read_text().splitlines()) <= 150


@pytest.mark.parametrize("path", COMPONENTS, ids=name)
def test_nothing_is_styled_or_scripted_inline(path):
    assert "style=" not in path.read_text()
    assert "dangerouslySetInnerHTML" not in path.read_text()


def test_the_page_knows_every_status_and_no_other():
    table = (FRONTEND / "src" / "lib" / "status.js").read_text().partition("export function")[0]
    assert re.findall(r"^  (\w+): \{", table, re.MULTILINE) == [status.value for status in RunStatus]


def test_every_package_of_the_page_is_pinned():
    package = json.loads((FRONTEND / "package.json").read_text())
    versions = [*package["dependencies"].values(), *package["devDependencies"].values()]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions)
