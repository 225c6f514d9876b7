"""docs/scorers.md is what the scorers say, and its examples work."""

import re

import yaml

from tasks.scoring.catalogue import ASKED, PASSES, RATIOS, SCORERS, scorers_of
from tasks.scoring.reference import DOCUMENT, document
from tasks.scoring.usage import USAGE_METRICS

TEXT = DOCUMENT.read_text(encoding="utf-8")


def test_the_document_is_up_to_date():
    assert document(TEXT) == TEXT, "run `python -m tasks.scoring.reference`"


def test_every_scorer_stands_there_once():
    for name in (*SCORERS, *ASKED, *RATIOS, *PASSES, *USAGE_METRICS):
        assert len(re.findall(rf"^\| `{name}`", TEXT, re.MULTILINE)) == 1, name


def test_its_example_and_its_scorer_work(make_app, tmp_path):
    (example,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    (tmp_path / "scorers.py").write_text(code, encoding="utf-8")
    (tmp_path / "answer.schema.json").write_text('{"type": "object"}', encoding="utf-8")
    app = yaml.safe_load(example)
    found = scorers_of(make_app("http://127.0.0.1:9/v1", **app))
    assert [each.metric.name for each in found] == [config["name"] for config in app["scorers"]]
