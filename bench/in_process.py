"""Measurements that call the product's services in a fresh process, on the database of a data folder.

``python -m bench.in_process NAME …`` runs one of them and prints its findings as JSON, one on a line. PostgreSQL runs
for as long, unless the product runs in that folder.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict

import flask_migrate

from app import create_app
from app.config.settings import PROJECT, Settings
from app.embedded.on_demand import postgres_on_demand
from bench import claiming, storing, taking_in, where
from bench.findings import Finding, Findings
from bench.testbed import SETTINGS
from tests.support.product import temporary_folder

MEASUREMENTS: dict[str, Callable[..., Findings]] = {
    "storing": storing.storing,
    "large_board": storing.large_board,
    "closed_postings": storing.closed_postings,
    "unchanged": storing.unchanged,
    "claims": claiming.claims,
    "taking_in": taking_in.taking_in,
    "requests": where.requests,
    "reading": where.reading,
}


def run_alone(name: str) -> Findings:
    """Run a measurement on a PostgreSQL of its own, without the rest of the product."""
    with temporary_folder() as folder:
        yield from run_beside({**SETTINGS, "DATA_DIR": str(folder)}, name)


def run_beside(environment: Mapping[str, str], name: str, *arguments: str) -> Findings:
    """Run a measurement on the database of the product with this environment."""
    command = [sys.executable, "-m", "bench.in_process", name, *arguments]
    done = subprocess.run(command, cwd=PROJECT, env={**os.environ, **environment}, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    for line in done.stdout.splitlines():
        yield Finding(**json.loads(line))


def main() -> None:
    """Run the measurement that the command line names."""
    settings = Settings.from_env()
    with postgres_on_demand(settings.data_dir, settings.embedded_database):
        app = create_app(settings)
        with app.app_context():
            flask_migrate.upgrade()
            for finding in MEASUREMENTS[sys.argv[1]](*sys.argv[2:]):
                print(json.dumps(asdict(finding)), flush=True)


if __name__ == "__main__":
    main()
