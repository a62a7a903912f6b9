"""What each process is given."""

from app.launcher import processes


def test_servers_get_none_of_our_settings_and_services_get_all(settings, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "s3same")
    monkeypatch.setenv("PORT", "8123")
    for server in (processes.postgres(settings), processes.redis(settings)):
        assert not {"SECRET_KEY", "PORT", "DATA_DIR"} & set(server.environment)
        assert "PATH" in server.environment
    for service in processes.services(settings):
        assert service.environment["SECRET_KEY"] == "s3same"
        assert service.environment["DATA_DIR"] == str(settings.data_dir)
