"""Ways to run the endpoint: in a thread, in a process, as a command."""

import subprocess
import sys
import textwrap
import time

import httpx
import pytest

from configs.errors import ConfigurationError, StackError
from infra.simulator.behaviour import Behaviour, Fault, Rule, read_behaviour, with_settings
from infra.simulator.running import requests, simulated, simulated_process


def test_a_behaviour_from_a_file_and_what_is_wrong_in_it(tmp_path):
    file = tmp_path / "behaviour.yaml"
    file.write_text("latency_s: 0.5\nfaults:\n  - {kind: torn, share: 0.1}\n")
    assert read_behaviour(file) == Behaviour(latency_s=0.5, faults=(Fault(kind="torn", share=0.1),))
    file.write_text("faults:\n  - {kind: explode}\n")
    with pytest.raises(ConfigurationError, match=r"key `faults.0.kind`: found 'explode'"):
        read_behaviour(file)


def test_settings_change_a_behaviour():
    changed = with_settings(Behaviour(slots=3), ["latency_s=0.5", "faults=[{kind: torn, share: 0.1}]"])
    assert changed == Behaviour(slots=3, latency_s=0.5, faults=(Fault(kind="torn", share=0.1),))
    for wrong, said in (("slots", "no value"), ("slots=none", "key `slots`"), ("slot=3", "key `slot`")):
        with pytest.raises(ConfigurationError, match=said):
            with_settings(Behaviour(), [wrong])


def test_the_command_says_what_is_wrong_in_one_line(tmp_path):
    for options in (["--behaviour", str(tmp_path / "no.yaml")], ["--set", "slots=0"]):
        command = [sys.executable, "-m", "infra.simulator", "--port", "1", *options]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ended.returncode == 1
        assert ended.stderr.startswith("error: ")
        assert ended.stderr.count("\n") == 1


def test_a_process_of_its_own_behaves_as_it_is_told_and_ends_with_the_block(client, ask):
    with simulated_process(Behaviour(rules=(Rule(contains="", answer="네 😀"),))) as address:
        assert ask(client(address), "hello").choices[0].message.content == "네 😀"
        assert len(requests(address)) == 1
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{address}/models")


def test_a_process_ends_when_its_parent_is_killed():
    code = """
        import os, signal
        from infra.simulator.running import simulated_process
        with simulated_process() as address:
            print(address, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, timeout=60)
    address, until = ended.stdout.strip(), time.monotonic() + 20
    with pytest.raises(httpx.TransportError):
        while time.monotonic() < until:
            httpx.get(f"{address}/models")
            time.sleep(0.05)


@pytest.mark.parametrize("run", [simulated, simulated_process])
def test_a_port_that_is_taken_is_said(run):
    with simulated() as address:
        port = int(address.rsplit(":", 1)[1].removesuffix("/v1"))
        said = rf"port {port} of the simulated endpoint: Address already in use"
        with pytest.raises(StackError, match=said), run(port=port):
            pytest.fail("it runs")
