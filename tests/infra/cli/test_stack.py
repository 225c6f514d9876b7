import json
import subprocess
import sys

import pytest

from infra.stack.parts import PART_NAMES


def lifecycle(*arguments):
    command = [sys.executable, "-m", "infra.cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_status_is_one_json_document_with_every_part(fresh_settings):
    ended = lifecycle("status", "--json")
    assert ended.returncode == 0
    found = json.loads(ended.stdout)
    assert tuple(part["name"] for part in found) == PART_NAMES
    assert {part["state"] for part in found} == {"stopped"}
    assert all(set(part) >= {"name", "address", "state", "pid"} for part in found)


def test_status_is_a_table_for_people(fresh_settings):
    said = lifecycle("status").stdout
    assert all(name in said for name in PART_NAMES)


def test_a_part_elsewhere_says_so(setting):
    setting("LIFECYCLE_PREFECT_URL", "https://prefect.example.org/api")
    (prefect, *_) = json.loads(lifecycle("status", "--json").stdout)
    assert (prefect["state"], prefect["address"], prefect["pid"]) == ("elsewhere", "https://prefect.example.org", None)


def test_doctor_ends_with_1_where_a_check_fails(setting):
    setting("LIFECYCLE_MODEL_THREADS", "64")
    setting("LIFECYCLE_UNHEARD_OF", "1")
    ended = lifecycle("doctor", "--json")
    assert ended.returncode == 1
    assert any("LIFECYCLE_UNHEARD_OF" in finding["message"] for finding in json.loads(ended.stdout))
    assert "LIFECYCLE_UNHEARD_OF" in lifecycle("doctor").stdout


def test_down_with_nothing_up_is_no_error(fresh_settings):
    ended = lifecycle("down")
    assert (ended.returncode, ended.stderr) == (0, "nothing was up\n")


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("up", "--part", "chut"), 2, "error: unknown part 'chut'"),
        (("up", "--unheard-of"), 2, "No such option"),
        (("unheard-of",), 2, "No such command"),
    ],
)
def test_bad_usage_ends_with_2(fresh_settings, arguments, status, said):
    ended = lifecycle(*arguments)
    assert ended.returncode == status
    assert said in ended.stderr
    assert ended.stdout == ""


def test_an_error_of_the_users_is_one_line_without_traceback_unless_asked_for(setting):
    setting("LIFECYCLE_CHAT_PORT", "99999")
    ended = lifecycle("up")
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert "LIFECYCLE_CHAT_PORT" in ended.stderr
    for arguments in (("--debug", "up"), ("up", "--debug")):
        assert "Traceback" in lifecycle(*arguments).stderr


def test_help_imports_nothing_heavy(fresh_settings):
    code = (
        "import sys\nfrom infra.cli import main\nsys.argv = ['lifecycle', '--help']\n"
        "try:\n    main.main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'prefect', 'mlflow', 'openai', 'pandas', 'numpy', 'great_expectations', 'httpx'}\n"
        "sys.exit(str(sorted(heavy & set(sys.modules))) if heavy & set(sys.modules) else 0)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
