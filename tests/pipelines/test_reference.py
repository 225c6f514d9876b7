"""The guide to the stages is what the flows say, and each of its commands is one that is taken."""

import re
import shlex

import pytest

from infra.cli.run import STAGES, _split
from pipelines.deployments import stages
from pipelines.reference import GUIDE, guide

TEXT = GUIDE.read_text(encoding="utf-8")


def test_the_guide_is_up_to_date():
    assert guide(TEXT) == TEXT, "run `python -m pipelines.reference`"


def test_every_stage_of_the_command_is_in_it_with_every_parameter():
    parts = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", TEXT, re.DOTALL | re.MULTILINE))
    assert tuple(parts) == STAGES
    for name, flow in stages().items():
        listed = re.findall(r"^\| `(\w+)` \|", parts[name], re.MULTILINE)
        assert listed == [each for each in flow.parameters.properties if each not in ("app", "changes")]


@pytest.mark.parametrize("line", re.findall(r"^lifecycle run .*$", TEXT, re.MULTILINE))
def test_its_commands_are_taken(line):
    words = shlex.split(line)
    changes = [words[at + 1] for at, word in enumerate(words) if word == "--set"]
    parameters, configuration = _split(words[2], changes)
    assert len(parameters) + len(configuration) == len(changes)
    assert parameters or configuration
