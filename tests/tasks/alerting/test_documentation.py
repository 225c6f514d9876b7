"""The receiver and the commands of docs/alerts.md work as they stand there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter
from typer.testing import CliRunner

from configs.schema.alerts import AlertChannel
from infra.cli.main import app as command

TEXT = (Path(__file__).parents[3] / "docs" / "alerts.md").read_text(encoding="utf-8")


def fenced(language):
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
def documented(tmp_path):
    """The receiver of the documentation on a free port; returns its address and its process."""
    code = fenced("python")[0].replace("9000), Receiver).serve_forever()", "0), Receiver)")
    code = code.replace('HTTPServer(("127.0.0.1"', 'server = HTTPServer(("127.0.0.1"')
    code += "\nprint(server.server_port, flush=True)\nserver.serve_forever()\n"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}", process
        process.kill()


def test_the_commands_reach_the_receiver(home, documented, tmp_path, monkeypatch):
    address, process = documented
    lines = fenced("sh")[0].splitlines()
    written = next(line for line in lines if "app.yaml" in line)
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(command, ["init", "shop"]).exit_code == 0
    with (tmp_path / "shop" / "app.yaml").open("a", encoding="utf-8") as file:
        file.write(re.search(r"'(.*)'", written)[1] + "\n")
    monkeypatch.setenv("SHOP_HOOK", address)
    ended = CliRunner().invoke(command, ["alerts", "test", "--app", "./shop"])
    assert (ended.exit_code, ended.stdout) == (0, "prefect: delivered\nwebhook SHOP_HOOK: delivered\n")
    assert '"text":"shop: a test; alerts of this app arrive here"' in process.stdout.readline()
    assert CliRunner().invoke(command, ["alerts"]).exit_code == 0


def test_the_channels_and_the_trigger_are_ones_that_there_are():
    from prefect.events.schemas.automations import EventTrigger

    configured = yaml.safe_load(fenced("yaml")[0])["alerts"]
    assert len(TypeAdapter(list[AlertChannel]).validate_python(configured)) == 2
    assert EventTrigger.model_validate_json(fenced("json")[0]).expect == {"lifecycle.alert.opened"}
