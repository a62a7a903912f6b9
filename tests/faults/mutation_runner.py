"""Holds the model against copies of the product, sound or broken, each in a process of its own.

Reads a line of JSON for each from standard input, and answers with one. What is slow to load is loaded once, and each
check is a fork of this process; nothing of the product is imported here, so that a fork imports its copy.
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

from tests.faults.mutants import MUTANTS, break_code
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
TREES = modules(ROOT / "app")


def main() -> None:
    """Answer every line, each by a fork."""
    for name in SLOW_TO_LOAD:
        import_module(name)
    for line in sys.stdin:
        asked = json.loads(line)
        with tempfile.TemporaryDirectory(prefix="ji-copy-") as folder:
            print(json.dumps(_forked(Path(folder), asked)), flush=True)


def _forked(folder: Path, asked: dict[str, Any]) -> dict[str, Any]:
    answer = folder / "answer"
    if (pid := os.fork()) == 0:
        try:
            with (folder / "log").open("w") as log:
                os.dup2(log.fileno(), 1)
                os.dup2(log.fileno(), 2)
            verdict = _in_copy(folder / "copy", asked)
        except BaseException:
            verdict = {"broken": traceback.format_exc()}
        answer.write_text(json.dumps(verdict))
        os._exit(0)
    os.waitpid(pid, 0)
    return json.loads(answer.read_text()) if answer.exists() else {"broken": (folder / "log").read_text()[-2000:]}


def _in_copy(copy: Path, asked: dict[str, Any]) -> dict[str, Any]:
    """Check a copy of the product, broken as the mutant says; it comes before the product itself on the path."""
    shutil.copytree(ROOT / "app", copy / "app")  # with what is compiled: only what was changed is compiled anew
    for name in ("frontend", "migrations"):
        (copy / name).symlink_to(ROOT / name)
    for path in break_code(TREES, asked["name"]):
        (copy / "app" / path).write_text(ast.unparse(TREES[path]))
    sys.path.insert(0, str(copy))
    began = time.process_time()
    check = import_module("tests.faults.model_runner")
    statement = MUTANTS[asked["name"]].statement if asked["name"] else None
    verdict = check.check(TEMPLATE, check.Bounds(**asked["options"]), statement)
    assert import_module("app").__file__ == str(copy / "app" / "__init__.py")
    return verdict | {"cpu": round(time.process_time() - began, 2)}


if __name__ == "__main__":
    main()
