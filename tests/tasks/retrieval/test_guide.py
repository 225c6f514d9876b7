"""The script in docs/retrieval.md measures an app's retrieval as it stands there."""

import json
import re
import sys
from pathlib import Path

import pytest
import yaml

from configs.settings import settings
from infra.simulator.running import calls, simulated

GUIDE = Path(__file__).parents[3] / "docs" / "retrieval.md"


@pytest.fixture(autouse=True)
def _home(monkeypatch, tmp_path):
    monkeypatch.setenv("LIFECYCLE_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    yield
    settings.cache_clear()


def test_the_script_measures_an_app(make_app, tmp_path, monkeypatch, capsys):
    (script,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    things = ("tent", "cooler", "panel", "chair", "table", "gaiters")
    texts = [{"id": f"P{at}", "text": f"The {name} weighs {at} kg"} for at, name in enumerate(things)]
    rows = [
        {"id": f"r{at}", "question": f"How heavy is the {name}?", "documents": [f"P{at}"]}
        for at, name in enumerate(things)
    ]
    with simulated() as address:
        make_app(address, budget={"unpriced": ["chat", "vectors"]})
        app = yaml.safe_load((tmp_path / "app.yaml").read_text(encoding="utf-8"))
        app["datasets"]["columns"] = {"documents": "documents"}
        (tmp_path / "app.yaml").write_text(yaml.safe_dump(app), encoding="utf-8")
        for name, records in (("documents", texts), ("rows", rows)):
            lines = "".join(json.dumps(record) + "\n" for record in records)
            (tmp_path / f"{name}.jsonl").write_text(lines, encoding="utf-8")
        monkeypatch.setattr(sys, "argv", ["measure.py", str(tmp_path)])
        exec(compile(script, str(GUIDE), "exec"), {"__name__": "__main__"})  # noqa: S102 it is our own
        asked = calls(address)
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[0].rstrip(":") for line in said] == [
        "hit_rate", "recall", "mrr", "ndcg", "nothing_shown", "kept_silent", "served",
    ]  # fmt: skip
    assert said[0].endswith("n=6")
    assert set(asked) == {"/v1/embeddings"}, "no chat model is called"
