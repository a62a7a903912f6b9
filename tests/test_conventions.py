"""The rules of the house, held by machine: each names what it forbids and where the thing belongs."""

import ast
import re
from pathlib import Path

import pytest

from app.config import PROJECT
from app.models import RunStatus
from tests.support.factories import sql

APP = PROJECT / "app"
MODULES = sorted(path for path in APP.rglob("*.py"))
LAYERS = {
    "db": {"db"},
    "models": {"models"},
    "sources": {"sources"},
    "schemas": {"schemas", "sources", "models"},
    "services": {"services", "db", "sources", "models"},
    "tasks": {"tasks", "services", "sources", "models"},
    "api": {"api", "tasks", "services", "schemas", "sources", "models"},
}


def name(path: Path) -> str:
    return str(path.relative_to(PROJECT))


def nodes(path: Path, *kinds: type) -> list:
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, kinds)]


def imports(path: Path) -> set[str]:
    found = set()
    for node in nodes(path, ast.Import, ast.ImportFrom):
        module = getattr(node, "module", None) or ""
        found |= {module} | {f"{module}.{alias.name}".strip(".") for alias in node.names}
    return found


def layer(path: Path) -> str | None:
    return path.relative_to(APP).parts[0] if path.parent != APP else None


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_imports_run_one_way(path):
    if layer(path) is None and path.name != "__init__.py":
        assert not any(found.startswith("app.api") for found in imports(path)), "nothing imports api"
    if allowed := LAYERS.get(layer(path)):
        used = {found.split(".")[1] for found in imports(path) if found.startswith("app.")}
        assert used & set(LAYERS) <= allowed, "api > tasks > services > db, sources and models; api > schemas > models"


def test_the_settings_know_no_system():
    """What a system's key is and what its address may be is checked where the systems are made (base_urls.py)."""
    for path in (APP / "config.py", APP / "checks.py"):
        assert not any(found.startswith("app.sources") for found in imports(path))


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_nothing_is_imported_inside_a_function(path):
    inner = [
        node.lineno
        for function in nodes(path, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, (ast.Import, ast.ImportFrom))
    ]
    assert inner == []


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_only_the_runs_service_writes_a_status(path):
    if path == APP / "services" / "runs.py":
        return
    assigned = [t.attr for node in nodes(path, ast.Assign) for t in node.targets if isinstance(t, ast.Attribute)]
    assert "status" not in assigned
    keywords = [key.arg for node in nodes(path, ast.Call) if _called(node) == "values" for key in node.keywords]
    assert "status" not in keywords


def test_the_runs_service_writes_a_status_in_one_place():
    source = (APP / "services" / "runs.py").read_text()
    assert source.count("values(status=") == 1
    assert source.count("update(RUNS)") == 1


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_routes_tasks_and_schemas_never_touch_the_database(path):
    if layer(path) in ("api", "tasks", "schemas"):
        assert "app.extensions.db" not in imports(path)


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_nobody_commits_by_hand_and_the_orms_session_is_not_used(path):
    if layer(path):
        called = {_called(node) for node in nodes(path, ast.Call)}
        assert not called & {"commit", "rollback", "flush"}
    assert "db.session" not in path.read_text()


@pytest.mark.parametrize("path", sorted((APP / "services").glob("*.py")), ids=name)
def test_every_public_service_function_says_what_it_does_and_whether_it_commits(path):
    for function in nodes(path, ast.FunctionDef):
        if function.name.startswith("_") or function.name == "older_revisions":
            continue
        text = ast.get_docstring(function) or ""
        assert re.search(r"Commits|Changes nothing", text), f"{function.name} does not say whether it commits"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_flasks_own_session_is_not_used(path):
    """It would set a cookie of its own, and needs a SECRET_KEY that AUTH=local has not."""
    assert "flask.session" not in imports(path)


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_statement_that_is_given_values_is_built_once(path):
    """Building one costs as much as executing it; and what is written into it may be nothing that a user sent."""
    for call in nodes(path, ast.Call):
        if _called(call) == "run_statement" and call.keywords:
            assert re.fullmatch(r"([A-Z_]+|move\.statement)( if .+ else [A-Z_]+)?", ast.unparse(call.args[0]))


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_every_public_function_and_class_is_documented(path):
    tree = ast.parse(path.read_text())
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    for node in [*tree.body, *(member for each in classes for member in each.body)]:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name[0] != "_" and node.name != "Meta":
            assert ast.get_docstring(node), f"{node.name} has no docstring"


def test_every_status_says_what_it_means():
    source = (APP / "models" / "ingestion_run.py").read_text()
    for status in RunStatus:
        assert re.search(rf'    {status.name} = "{status.value}"\n    """', source)


def test_every_handler_is_load_call_dump():
    for path in (APP / "api").glob("*_routes.py"):
        for function in nodes(path, ast.FunctionDef):
            lines = function.end_lineno - function.body[0].end_lineno
            assert lines <= 8, f"{path.name}: {function.name} has {lines} lines"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_functions_stay_small(path):
    for function in nodes(path, ast.FunctionDef):
        assert function.end_lineno - function.lineno < 60, function.name


@pytest.mark.parametrize("path", sorted((PROJECT / "tests").rglob("*.py")), ids=name)
def test_test_files_stay_readable(path):
    assert len(path.read_text().splitlines()) <= 400


def test_every_task_has_an_explicit_name():
    for path in (APP / "tasks").glob("*.py"):
        for function in nodes(path, ast.FunctionDef):
            for decorator in function.decorator_list:
                if isinstance(decorator, ast.Call) and _called(decorator) == "shared_task":
                    assert any(keyword.arg == "name" for keyword in decorator.keywords), function.name


def test_every_setting_is_in_the_readme():
    settings = set(re.findall(r'"""([A-Z_]+): ', (APP / "config.py").read_text()))
    table = set(re.findall(r"^\| `([A-Z_]+)` \|", (PROJECT / "README.md").read_text(), re.MULTILINE))
    assert settings == table


def test_the_words_of_the_check_are_the_words_of_the_enum(app):
    [check] = sql(
        "SELECT pg_get_constraintdef(oid) AS text FROM pg_constraint WHERE conname = 'ck_ingestion_runs_status'"
    )
    assert set(re.findall(r"'(\w+)'", check.text)) == {status.value for status in RunStatus}


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
