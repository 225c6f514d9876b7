import json
import subprocess
import sys

import psutil

from infra.stack import users


def test_a_user_counts_until_it_leaves(fresh_settings):
    first, second = users.enter(), users.enter()
    assert users.live_users() == 2
    users.leave(first)
    users.leave(first)
    assert users.live_users() == 1
    users.leave(second)
    assert users.live_users() == 0


def test_a_user_whose_process_has_ended_is_taken_off(fresh_settings):
    ended = subprocess.run([sys.executable, "-c", "from infra.stack import users; print(users.enter())"], check=True)
    assert ended.returncode == 0
    folder = fresh_settings.folder("stack", "users")
    assert len(list(folder.iterdir())) == 1
    assert users.live_users() == 0
    assert list(folder.iterdir()) == []


def test_a_reused_process_number_is_not_the_user(fresh_settings):
    path = users.enter()
    path.write_text(json.dumps({"pid": psutil.Process().pid, "started": 1.0}))
    assert users.live_users() == 0


def test_a_half_written_file_is_no_user(fresh_settings):
    users.enter().write_text('{"pid": ')
    assert users.live_users() == 0


def test_what_is_kept_adds_up_until_all_is_forgotten(fresh_settings):
    assert users.kept() == frozenset()
    users.keep(["chat"])
    users.keep(["embedding"])
    users.enter()
    assert users.kept() == {"chat", "embedding"}
    users.forget_all()
    assert users.kept() == frozenset()
    assert users.live_users() == 0
