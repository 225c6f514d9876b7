"""What dashboard and alert rules ask for is what the endpoint counts: every name and every label."""

import json
import re
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tasks.calling.answer import Answer, Latency, Outcome, Usage
from tasks.guarding.done import Done
from tasks.serving.metrics import Metrics, text_of
from tasks.serving.responder import Reply

FOLDER = Path(__file__).parents[2] / "infra" / "dashboards"
OF_THE_SCRAPE = {"job", "instance"}
OF_PROMETHEUS = {"up"}


@pytest.fixture(scope="module")
def counted():
    """The labels of each series that the endpoint prints, by its name."""
    metrics = Metrics("shop", lambda: 3, lambda: 0)
    metrics.replied(200)
    metrics.fell_back("spare")
    metrics.guarded(Done("pii", "input", "redact"))
    latency = Latency(0.4, 0.1, 0.01)
    metrics.answered(Reply(Answer("r", Outcome.OK, "yes", usage=Usage(9, 3), latency=latency, price=0.1)))
    families = text_string_to_metric_families(text_of([metrics]).decode())
    return {sample.name: set(sample.labels) for family in families for sample in family.samples}


@pytest.fixture(scope="module")
def dashboard():
    return json.loads((FOLDER / "endpoint.json").read_text(encoding="utf-8"))


def asked(dashboard):
    return [(target["expr"], target["legendFormat"]) for panel in dashboard["panels"] for target in panel["targets"]]


def rules():
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def check(expression, counted):
    """Asserts that every series and label of an expression is there."""
    assert expression.count("(") == expression.count(")") and expression.count("{") == expression.count("}")
    bare = re.sub(r'"[^"]*"', '""', expression)
    names = set(re.findall(r"\b(?:lifecycle_\w+|up)\b", bare))
    assert names, f"{expression} asks for nothing"
    assert names <= counted.keys() | OF_PROMETHEUS, expression
    known = set.union(OF_THE_SCRAPE, *(counted[name] for name in names if name in counted))
    matchers = re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"\"", bare)
    grouped = [label.strip() for labels in re.findall(r"\bby \(([^)]*)\)", bare) for label in labels.split(",")]
    assert {*matchers, *grouped} <= known, expression
    if "histogram_quantile" in expression:
        assert "_bucket" in expression and "le" in grouped
    if re.search(r"\b(?:rate|increase)\(", expression):
        assert not names & {"lifecycle_requests_under_way", "lifecycle_requests_unrecorded"}, "a gauge has no rate"
    return set(grouped)


def test_every_panel_asks_for_what_is_counted(dashboard, counted):
    for expression, legend in asked(dashboard):
        grouped = check(expression, counted)
        assert set(re.findall(r"\{\{(\w+)\}\}", legend)) <= grouped - {"le"}, legend


def test_everything_that_is_counted_is_on_a_panel(dashboard, counted):
    shown = " ".join(expression for expression, _ in asked(dashboard))
    families = {re.sub(r"_(?:bucket|sum|count|created|total)$", "", name) for name in counted}
    assert [name for name in sorted(families) if name not in shown] == []


def test_the_dashboard_is_one_that_grafana_reads(dashboard):
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len({panel["title"] for panel in panels}) == len(panels)
    assert dashboard["schemaVersion"] >= 36 and dashboard["uid"] and len(dashboard["uid"]) <= 40
    variables = {each["name"]: each for each in dashboard["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource" and variables["datasource"]["query"] == "prometheus"
    taken = set()
    for panel in panels:
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert all(target["datasource"] == panel["datasource"] for target in panel["targets"])
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
        place = panel["gridPos"]
        columns, lines = (range(place[start], place[start] + place[size]) for start, size in (("x", "w"), ("y", "h")))
        cells = {(x, y) for x in columns for y in lines}
        assert not cells & taken and max(x for x, _ in cells) < 24
        taken |= cells
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(panels))) - {"__rate_interval"}
    assert used == variables.keys()


def test_the_apps_variable_finds_the_apps(dashboard, counted):
    [app] = [each for each in dashboard["templating"]["list"] if each["name"] == "app"]
    name, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", app["query"]["query"]).groups()
    assert label in counted[name]


def test_every_alert_is_about_what_is_counted_and_says_what_to_do(counted):
    found = rules()
    assert len({rule["alert"] for rule in found}) == len(found)
    for rule in found:
        grouped = check(rule["expr"], counted)
        said = " ".join(rule["annotations"].values())
        assert set(re.findall(r"\$labels\.(\w+)", said)) <= grouped | OF_THE_SCRAPE
        assert rule["labels"]["severity"] in ("warning", "critical") and rule["annotations"]["description"]


def test_prometheus_reads_the_rules_beside_its_configuration_and_asks_the_endpoint():
    configured = yaml.safe_load((FOLDER / "prometheus.yml").read_text(encoding="utf-8"))
    assert all((FOLDER / name).is_file() for name in configured["rule_files"])
    [scraped] = configured["scrape_configs"]
    assert scraped["metrics_path"] == "/metrics"
    assert any(f'job="{scraped["job_name"]}"' in rule["expr"] for rule in rules())
