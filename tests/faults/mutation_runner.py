"""Run model checks of copies of the product, unchanged or mutated, each in its own process.

Read one request per line from standard input, as JSON, and answer each with a line of JSON. Slow libraries are
imported once, and each check is a fork of this process. The product is not imported here, so that a fork imports its
own copy.

The arguments are the module of the mutants and that of the checks, by default those of the check of runs.
"""

import ast
import json
import os
import shutil
import sys
import tempfile
import time
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.faults.rewriting import modules

ROOT = Path(__file__).resolve().parents[2]
SLOW_TO_LOAD = (
    "argon2", "celery.app.amqp", "celery.app.control", "celery.bootsteps", "defusedxml.ElementTree", "environs",
    "flask_migrate", "flask_smorest", "flask_sqlalchemy", "gunicorn.http.errors",
    "hypothesis.stateful", "kombu.transport.redis", "limits.storage", "nh3", "prometheus_client.multiprocess",
    "protego", "psutil", "psycopg", "sqlalchemy.dialects.postgresql", "stamina", "structlog",
    "urllib3", "werkzeug.middleware.proxy_fix",
)
TEMPLATE = "model_template"
MUTANTS_MODULE, RUNNER_MODULE = sys.argv[1:3] or ("tests.faults.mutants", "tests.faults.model_runner")
TREES = modules(ROOT / "app")


def main() -> None:
    """Answer every request from a fork."""
    for name in SLOW_TO_LOAD:
        import_module(name)
    for line in sys.stdin:
        request = json.loads(line)
        with tempfile.TemporaryDirectory(prefix="ji-copy-") as folder:
            print(json.dumps(_check_in_fork(Path(folder), request)), flush=True)


def _check_in_fork(folder: Path, request: dict[str, Any]) -> dict[str, Any]:
    answer = folder / "answer"
    if (pid := os.fork()) == 0:
        try:
            with (folder / "log").open("w") as log:
                os.dup2(log.fileno(), 1)
                os.dup2(log.fileno(), 2)
            verdict = _check_copy(folder / "copy", request)
        except BaseException:
            verdict = {"crash": traceback.format_exc()}
        answer.write_text(json.dumps(verdict))
        os._exit(0)
    os.waitpid(pid, 0)
    return json.loads(answer.read_text()) if answer.exists() else {"crash": (folder / "log").read_text()[-2000:]}


def _check_copy(copy: Path, request: dict[str, Any]) -> dict[str, Any]:
    """Check a copy of the product with the mutant's changes. On sys.path the copy precedes the original."""
    shutil.copytree(ROOT / "app", copy / "app")  # with __pycache__, so that only changed modules are compiled again
    for name in ("frontend", "migrations"):
        (copy / name).symlink_to(ROOT / name)
    mutants = import_module(MUTANTS_MODULE)
    for path in mutants.break_code(TREES, request["name"]):
        (copy / "app" / path).write_text(ast.unparse(TREES[path]))
    sys.path.insert(0, str(copy))
    began = time.process_time()
    runner = import_module(RUNNER_MODULE)
    statement = mutants.MUTANTS[request["name"]].statement if request["name"] else None
    verdict = runner.run_check(TEMPLATE, runner.CheckOptions(**request["options"]), statement)
    assert import_module("app").__file__ == str(copy / "app" / "__init__.py")
    return verdict | {"cpu": round(time.process_time() - began, 2)}


if __name__ == "__main__":
    main()
