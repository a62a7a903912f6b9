"""The rules of the code, checked by machine."""

import ast
import re
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from app.config.settings import PROJECT
from app.models import RunStatus
from tests.support.factories import sql

APP, TESTS = PROJECT / "app", PROJECT / "tests"
MODULES = sorted(path for path in APP.rglob("*.py"))
TEST_FILES = sorted(TESTS.rglob("*.py"))

TOP_FILES = {"__init__.py", "extensions.py", "errors.py", "text.py"}

LAYERS = {
    "": (
        ("launcher",),
        ("create_app",),
        ("cli",),
        ("api", "worker"),
        ("tasks",),
        ("services",),
        ("schemas",),
        ("sources", "models"),
        ("config",),
        ("db", "embedded"),
        ("observability", "concurrency", "errors", "extensions", "text"),
    ),
    "api": (("routes",), ("static_files",), ("http",), ("auth",)),
    "services": (
        ("removal",),
        ("runs",),
        ("previews", "jobs"),
        ("companies", "health"),
        ("boards",),
        ("accounts", "publisher"),
    ),
    "sources": (
        ("detect", "base_urls"),
        ("listing", "careers_page"),
        ("adapters", "http", "listing_builder"),
        ("parsing",),
        ("types",),
        ("board_token", "deadline", "title_filter"),
        ("errors", "term_automaton"),
    ),
}
"""The packages and modules of the product, and of three of its packages, from the top layer to the bottom.

An import leads to a lower layer, or stays in its package."""

OTHER_TESTS = {"drills", "e2e", "faults", "support"}
"""Folders of tests that mirror no package: they run the whole product, or help other tests."""


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


def places(dotted: str) -> dict[str, str]:
    """Return the entries of LAYERS that a module belongs to: {"": "api", "api": "routes"} for app.api.auth_routes."""
    parts = dotted.split(".")[1:3] or ["create_app"]
    found = {"": parts[0]}
    if parts[0] in LAYERS and len(parts) == 2:
        found[parts[0]] = "routes" if parts[1].endswith("_routes") else parts[1]
    return found


def layer_of(package: str, entry: str) -> int:
    [number] = [number for number, entries in enumerate(LAYERS[package]) if entry in entries]
    return number


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_imports_run_downwards(path):
    dotted = name(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    for found in imports(path):
        # Skip the name `app`, which `from app import x` also yields.
        if found.startswith("app.") and found != dotted:
            here, there = places(dotted), places(found)
            for package in here.keys() & there.keys():
                if here[package] != there[package]:
                    down = layer_of(package, here[package]) < layer_of(package, there[package])
                    assert down, f"{dotted} may not import {found}"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_imports_name_whole_modules(path):
    assert not any(node.level for node in nodes(path, ast.ImportFrom)), "no relative imports"
    assert not any(alias.name == "app" for node in nodes(path, ast.Import) for alias in node.names)
    assert "import_module" not in {_called(node) for node in nodes(path, ast.Call)}


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_http_and_celery_stay_in_their_packages(path):
    """Services publish by a task's name, so one module of theirs sends through Celery."""
    found = imports(path)
    if layer(path) not in ("tasks", "worker") and path != APP / "services" / "publisher.py":
        assert not any(each.split(".")[0] == "celery" for each in found)
    if layer(path) not in ("api", None):
        assert not found & {"flask.request", "flask.g"} and not any(each.startswith("werkzeug") for each in found)


def test_layers_list_every_package_and_module():
    assert {path.name for path in APP.glob("*.py")} == TOP_FILES
    for package, layers in LAYERS.items():
        children = {path.stem for path in (APP / package).iterdir() if (path / "__init__.py").exists() or path.suffix}
        entries = {"routes" if child.endswith("_routes") else child for child in children - {"__init__"}}
        assert entries == {entry for entries in layers for entry in entries} - {"create_app"}


@pytest.mark.parametrize("path", sorted(APP.glob("*/**/__init__.py")), ids=name)
def test_packages_say_what_they_are_for(path):
    lines = (ast.get_docstring(ast.parse(path.read_text())) or "").splitlines()
    assert len(list(filter(None, lines))) == 2, "one line for what the package is for, one for what may not come in"


def test_tests_mirror_the_packages():
    folders = {path.parent.relative_to(TESTS) for path in TESTS.rglob("test_*.py")} - {Path(".")}
    mirrors = {str(folder) for folder in folders if folder.parts[0] not in OTHER_TESTS}
    assert {folder for folder in mirrors if not (APP / folder).is_dir()} == set()


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_functions_import_nothing(path):
    inner = [
        node.lineno
        for function in nodes(path, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, (ast.Import, ast.ImportFrom))
    ]
    assert inner == []


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_status_is_written_by_the_transitions_of_runs_alone(path):
    if path == APP / "services" / "runs" / "transitions.py":
        return
    assigned = [t.attr for node in nodes(path, ast.Assign) for t in node.targets if isinstance(t, ast.Attribute)]
    assert "status" not in assigned
    keywords = [key.arg for node in nodes(path, ast.Call) if _called(node) == "values" for key in node.keywords]
    assert "status" not in keywords


def test_status_is_written_in_one_place():
    source = (APP / "services" / "runs" / "transitions.py").read_text()
    assert source.count("values(status=") == 1
    assert source.count("update(RUNS)") == 1


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_routes_tasks_and_schemas_never_touch_the_database(path):
    if layer(path) in ("api", "tasks", "schemas"):
        assert "app.extensions.db" not in imports(path)


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_modules_neither_commit_by_hand_nor_use_the_orm_session(path):
    if layer(path) != "embedded":  # this package flushes a file
        called = {_called(node) for node in nodes(path, ast.Call)}
        assert not called & {"commit", "rollback", "flush"}
    assert "db.session" not in path.read_text()


CLOCK_MODULES = {APP / "db" / "clock.py", APP / "models" / "columns.py"}
OTHER_CLOCK = re.compile(
    r"\b(now|clock_timestamp|transaction_timestamp|statement_timestamp|timeofday)\(\)"
    r"|\b(current_timestamp|current_date|current_time|localtimestamp|localtime)\b",
    re.IGNORECASE,
)
"""A clock of PostgreSQL that no test can shift, as SQL and as SQLAlchemy spell it."""


@pytest.mark.parametrize("path", [path for path in MODULES if path not in CLOCK_MODULES], ids=name)
def test_clock_of_the_database_is_read_through_one_function(path):
    assert [line for line in path.read_text().splitlines() if OTHER_CLOCK.search(line)] == []


def test_clock_of_the_database_is_one_function_in_migrations_too():
    """Migrations before that of the function could not use it; it replaced their clocks."""
    later = list(ScriptDirectory(str(PROJECT / "migrations")).iterate_revisions("heads", "e1f7a3c5d902"))
    assert later
    sources = {Path(each.path).name: Path(each.path).read_text() for each in later}
    assert [file for file, source in sources.items() if OTHER_CLOCK.search(source)] == []


AGREED_CLOCKS = {("ingestion_runs", "created_at"), ("jobs", "created_at"), ("jobs", "updated_at")}
"""The defaults that the first migration of these tables promises. The product writes these columns itself."""

# The definitions of a constraint, an index and a trigger name their table.
SCHEMA = """
SELECT attrelid::regclass::text AS owner, attname AS name, pg_get_expr(adbin, adrelid) AS definition
FROM pg_attrdef JOIN pg_attribute ON (attrelid, attnum) = (adrelid, adnum)
UNION ALL SELECT 'function', proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT 'constraint', conname, pg_get_constraintdef(oid) FROM pg_constraint
UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'view', viewname, definition FROM pg_views WHERE schemaname = 'public'
UNION ALL SELECT 'trigger', tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
"""


def test_clock_of_the_migrated_schema_is_one_function(app):
    found = {(each.owner, each.name) for each in sql(SCHEMA) if OTHER_CLOCK.search(each.definition)}
    assert found == {*AGREED_CLOCKS, ("function", "clock_now")}


# Each compares a time of a foreign program with this machine's clock at the moment of its answer, and hands a span on,
# or a time that is turned into a span before it is stored.
WALL_CLOCK_MODULES = {
    APP / "sources" / "http" / "client.py", APP / "sources" / "http" / "responses.py",
    APP / "sources" / "parsing" / "jobposting.py", APP / "services" / "boards" / "storing.py",
    APP / "api" / "auth" / "rate_limits.py",
}
WALL_CLOCK = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns", "time"}


@pytest.mark.parametrize("path", [path for path in MODULES if path not in WALL_CLOCK_MODULES], ids=name)
def test_clock_of_the_machine_is_read_for_answers_of_others_alone(path):
    assert {ast.unparse(node.func) for node in nodes(path, ast.Call)} & WALL_CLOCK == set()


@pytest.mark.parametrize("path", sorted((APP / "services").rglob("*.py")), ids=name)
def test_service_functions_that_write_say_that_they_commit(path):
    tree = ast.parse(path.read_text())
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    writes = {node.targets[0].id for node in tree.body if isinstance(node, ast.Assign) and _writes(node)}
    for function in functions.values():
        names = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
        if not function.name.startswith("_") and (_writes(function) or names & writes):
            assert "Commits" in (ast.get_docstring(function) or ""), f"{function.name} does not say that it commits"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_flask_session_is_unused(path):
    """Flask's session would set its own cookie, and needs a SECRET_KEY, which AUTH=local does not have."""
    assert "flask.session" not in imports(path)


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_statements_with_parameters_are_constants(path):
    """Building a statement costs as much as executing it, and its text must never contain user input."""
    loops = [each for each in nodes(path, ast.For) if re.fullmatch(r"[A-Z_]+", ast.unparse(each.iter))]
    members = {ast.unparse(each.target) for each in loops}
    for call in nodes(path, ast.Call):
        if _called(call) == "run_statement" and call.keywords and ast.unparse(call.args[0]) not in members:
            assert re.fullmatch(r"([A-Z_]+|(move|start)\.statement)( if .+ else [A-Z_]+)?", ast.unparse(call.args[0]))


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_public_functions_and_classes_are_documented(path):
    tree = ast.parse(path.read_text())
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    for node in [*tree.body, *(member for each in classes for member in each.body)]:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name[0] != "_" and node.name != "Meta":
            assert ast.get_docstring(node), f"{node.name} has no docstring"


def test_statuses_are_documented():
    source = (APP / "models" / "ingestion_run.py").read_text()
    for status in RunStatus:
        assert re.search(rf'    {status.name} = "{status.value}"\n    """', source)


def test_handlers_are_short():
    for path in (APP / "api").glob("*_routes.py"):
        for function in nodes(path, ast.FunctionDef):
            lines = function.end_lineno - function.body[0].end_lineno
            assert lines <= 8, f"{path.name}: {function.name} has {lines} lines"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_functions_stay_small(path):
    for function in nodes(path, ast.FunctionDef):
        assert function.end_lineno - function.lineno < 60, function.name


DOCSTRING_BEGINS_BADLY = re.compile(r"(What|Whether|Who|Whom|Whose|How|Why|Where|When|Which)\b")
MASCULINE = re.compile(r"\b([Hh]e|[Hh]is|[Hh]im|[Hh]imself)\b")


@pytest.mark.parametrize("path", [*MODULES, *TEST_FILES], ids=name)
def test_docstrings_begin_with_a_verb_or_a_noun(path):
    documented = nodes(path, ast.Module, ast.ClassDef, ast.FunctionDef)
    texts = [(getattr(node, "name", path.name), ast.get_docstring(node) or "") for node in documented]
    texts += [
        ("a constant", node.value.value)
        for node in nodes(path, ast.Expr)
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    ]
    assert [(owner, text) for owner, text in texts if DOCSTRING_BEGINS_BADLY.match(text)] == []


@pytest.mark.parametrize("path", [*MODULES, *TEST_FILES, *PROJECT.glob("*.md"), *PROJECT.glob("docs/*.md")], ids=name)
def test_users_are_they(path):
    if path.name not in ("test_conventions.py", "test_page_conventions.py"):  # these files name the words
        assert [line for line in path.read_text().splitlines() if MASCULINE.search(line)] == []


MAX_TEST_NAME_LENGTH = 70


@pytest.mark.parametrize("path", TEST_FILES, ids=name)
def test_names_of_tests_are_short(path):
    names = [function.name for function in nodes(path, ast.FunctionDef) if function.name.startswith("test_")]
    assert [each for each in names if len(each) > MAX_TEST_NAME_LENGTH] == []


@pytest.mark.parametrize("path", [*MODULES, *TEST_FILES], ids=name)
def test_limits_are_called_max_and_min(path):
    names = [node.id for node in nodes(path, ast.Name)]
    assert [each for each in names if re.match(r"_?(MOST|LONGEST|SHORTEST|FEWEST|LARGEST|DEEPEST|LEAST)_", each)] == []


@pytest.mark.parametrize("path", TEST_FILES, ids=name)
def test_test_files_stay_readable(path):
    assert len(path.read_text().splitlines()) <= 400


def test_tasks_have_explicit_names():
    for path in (APP / "tasks").glob("*.py"):
        for function in nodes(path, ast.FunctionDef):
            for decorator in function.decorator_list:
                if isinstance(decorator, ast.Call) and _called(decorator) == "shared_task":
                    assert any(keyword.arg == "name" for keyword in decorator.keywords), function.name


def test_settings_are_in_the_readme():
    settings = set(re.findall(r'"""([A-Z_]+): ', (APP / "config" / "settings.py").read_text()))
    table = set(re.findall(r"^\| `([A-Z_]+)` \|", (PROJECT / "README.md").read_text(), re.MULTILINE))
    assert settings == table


DOCUMENTS = [PROJECT / "README.md", PROJECT / "CHANGELOG.md", *PROJECT.glob("docs/*.md")]
EXAMPLE = "acorn"
"""The source that docs/adapters.md adds as an example."""


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_documents_name_files_that_exist(path):
    named = re.findall(r"`((?:app|tests|frontend|docs|migrations|bench)/[\w/.-]+)`", path.read_text())
    assert [each for each in named if EXAMPLE not in each and not (PROJECT / each).exists()] == []


def test_status_check_lists_the_values_of_the_enum(app):
    [check] = sql(
        "SELECT pg_get_constraintdef(oid) AS text FROM pg_constraint WHERE conname = 'ck_ingestion_runs_status'"
    )
    assert set(re.findall(r"'(\w+)'", check.text)) == {status.value for status in RunStatus}


def _writes(node: ast.AST) -> bool:
    """Return whether the code builds an INSERT, UPDATE or DELETE."""
    calls = [each for each in ast.walk(node) if isinstance(each, ast.Call)]
    return any(isinstance(each.func, ast.Name) and each.func.id in ("insert", "update", "delete") for each in calls)


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
