import os
import stat
import sys

import pytest

from configs.errors import StackError
from configs.settings import settings
from infra.stack.supervisor import connect, socket_path, write_configuration


def configuration():
    write_configuration()
    return settings().home / "stack" / "supervisord.conf"


def test_no_supervisor_where_none_was_started(fresh_settings):
    assert connect() is None


def test_a_socket_that_nobody_listens_on_is_no_supervisor(fresh_settings):
    socket_path(fresh_settings).touch()
    assert connect() is None


def test_the_configuration_is_its_users_alone_and_holds_no_key(setting):
    setting("LIFECYCLE_API_KEY", "very-secret")
    path = configuration()
    assert "very-secret" not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_supervisord_reads_back_what_was_written(setting, tmp_path, monkeypatch):
    from supervisor.options import ServerOptions

    setting("LIFECYCLE_PREFECT_URL", "https://me:50%25@prefect.example.org/api")
    setting("LIFECYCLE_HOME", str(tmp_path / "it's a home, with blanks = 1"))
    options = ServerOptions()
    monkeypatch.setattr(sys, "argv", ["supervisord"])
    options.realize(["-c", str(configuration())])
    programs = {group.name: group.process_configs[0] for group in options.process_group_configs}
    assert programs["embedding"].environment["LIFECYCLE_HOME"] == str(tmp_path / "it's a home, with blanks = 1")
    assert programs["chat"].stdout_logfile.startswith(str(tmp_path / "it's a home, with blanks = 1"))
    assert programs["runner"].environment["PREFECT_API_URL"] == "https://me:50%25@prefect.example.org/api"
    assert programs["chat"].killasgroup
    assert not programs["chat"].autostart


@pytest.mark.parametrize("name", ['quote"', "semi ;colon", "hash #tag", "back\\slash", "100%"])
def test_a_home_that_the_supervisor_cannot_be_told_is_refused(setting, tmp_path, name):
    setting("LIFECYCLE_HOME", str(tmp_path / name))
    with pytest.raises(StackError, match="the supervisor cannot be told"):
        write_configuration()


def test_a_deep_home_has_its_socket_in_the_temporary_folder(setting, tmp_path, monkeypatch):
    deep = tmp_path / ("deep" * 30)
    setting("LIFECYCLE_HOME", str(deep))
    path = socket_path(settings())
    assert len(os.fsencode(path)) < 100
    assert deep not in path.parents
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    setting("LIFECYCLE_HOME", str(tmp_path / ("deep" * 31)))
    assert socket_path(settings()) != path
