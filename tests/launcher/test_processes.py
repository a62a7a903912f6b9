"""The environment of each process."""

from app.launcher import processes


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
