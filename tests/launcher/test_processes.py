"""The command line and the environment of each process."""

from dataclasses import replace

from app.launcher import processes
from app.worker import queues


def test_environment_of_servers_has_no_settings_and_of_services_all(settings, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "s3same")
    monkeypatch.setenv("PORT", "8123")
    for server in (processes.postgres(settings), processes.redis(settings)):
        assert not {"SECRET_KEY", "PORT", "DATA_DIR"} & set(server.environment)
        assert "PATH" in server.environment
    for service in processes.services(settings):
        assert service.environment["SECRET_KEY"] == "s3same"
        assert service.environment["DATA_DIR"] == str(settings.data_dir)


def test_environment_of_services_limits_the_memory_that_malloc_keeps(settings, monkeypatch):
    monkeypatch.setenv("MALLOC_ARENA_MAX", "4")
    environment = processes.web(settings).environment
    assert (environment["MALLOC_ARENA_MAX"], environment["MALLOC_MMAP_THRESHOLD_"]) == ("4", "262144")


def option(program, flag):
    return program.command[list(program.command).index(flag) + 1]


def celery_workers(settings):
    return [service for service in processes.services(settings) if "celery" in service.command]


def test_each_queue_has_a_celery_worker_of_its_own(settings):
    found = celery_workers(settings)
    assert [each.name for each in found] == ["worker", "previewer", "reader"]
    assert [option(each, "-n") for each in found] == ["worker@%h", "previewer@%h", "reader@%h"]
    assert [option(each, "-Q") for each in found] == ["ingestion", "previews", "boards"]
    assert {option(each, "-Q") for each in found} == {queue.name for queue in queues.QUEUES}


def test_celery_workers_have_processes_as_their_settings_say(settings):
    settings = replace(settings, worker_concurrency=3, previewer_concurrency=4, reader_concurrency=5)
    assert [option(each, "-c") for each in celery_workers(settings)] == ["3", "4", "5"]
