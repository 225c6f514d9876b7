"""`lifecycle plan`: how many rows it takes, what they cost, and whether they are there."""

import json

import pytest

from configs.errors import ConfigurationError
from configs.schema.gate import Rule
from tasks.planning.plan import Assumptions
from tasks.planning.planned import planned
from tasks.workspace import open_workspace


@pytest.fixture
def plan(shop, lifecycle):
    def run(*options):
        done = lifecycle("plan", "--app", shop.path, *options, "--json")
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    return run


def test_before_anything_was_measured_the_plan_says_what_it_assumes(plan):
    found = plan("--metric", "exact", "--difference", "0.03", "--discordant", "0.1")
    assert found["data"] == {"sample": 40, "full": 60}
    (question,) = found["questions"]
    assert question["basis"].startswith("assumed: 10% of rows differ")
    first, *others = question["scenarios"]
    assert first["truth"] == "0.03 better"
    assert first["at_once"] == {"rows": 943, "price": None, "seconds": None, "in_data": []}
    assert len(others) == 2
    assert others[1]["sequential"]["rows"] < others[0]["sequential"]["rows"] < first["sequential"]["rows"]


def test_a_rule_is_planned_with_the_truth_inside_its_own_bound(shop, lifecycle):
    with open_workspace(shop.path) as workspace:
        rules = [Rule(metric="exact", better_than_champion_by=0.1), Rule(metric="exact", better_than_champion_by=0)]
        wanted, any_at_all = planned(workspace, rules, Assumptions(0.9, 0.95, 0.5)).questions
    assert [each.truth for each in wanted.scenarios] == ["0.2 better", "0.3 better", "0.4 better"]
    assert (any_at_all.scenarios, any_at_all.note) == (
        (), "how large a difference matters is not said: give --metric and --difference",
    )  # fmt: skip


def test_a_difference_that_the_assumed_rows_cannot_have_is_said(plan):
    (question,) = plan("--metric", "exact", "--difference", "0.08", "--discordant", "0.1")["questions"]
    assert len(question["scenarios"]) == 1
    assert question["note"] == "a mean difference of 0.16 cannot be: too few rows differ"


def test_of_a_time_nothing_is_assumed(plan):
    (question,) = plan("--metric", "latency_total", "--difference", "1")["questions"]
    assert (question["scenarios"], question["basis"]) == (
        [], "not measured yet: evaluate two candidates on the same data first",
    )  # fmt: skip


def test_a_gate_is_planned_by_what_was_measured(plan, shop):
    one, other = shop.evaluate("plain", "full"), shop.evaluate("polite", "full")
    found = plan("--gate", "release")
    bound, margin, latency = found["questions"]
    assert [each["rule"] for each in found["questions"]] == [
        "exact at least 0.5", "exact not worse than champion by 0.05", "latency_total at most 5",
    ]  # fmt: skip
    assert margin["basis"] == "60 pairs measured, 100% of them differ"
    assert margin["scenarios"][0]["truth"] == "no difference"
    both = (one.rows["price"].mean() + other.rows["price"].mean()) * margin["scenarios"][0]["at_once"]["rows"]
    assert margin["scenarios"][0]["at_once"]["price"] == pytest.approx(both)
    assert bound["scenarios"][0]["truth"] == "as measured, so that it is broken"
    assert latency["scenarios"][0]["truth"] == "as measured, so that it holds"
    # How many rows it takes follows from what the clock measured, not which data have as many.
    at_once = latency["scenarios"][0]["at_once"]
    assert at_once["in_data"] == [name for name, rows in found["data"].items() if rows >= at_once["rows"]]
    assert found["row_price"] > 0


def test_the_table_for_people(shop, lifecycle):
    shop.evaluate("plain", "full")
    said = lifecycle("plan", "--app", shop.path).output
    for part in ("95% sure, 90% power; data: sample 40 rows, full 60 rows", "exact at least 0.5", "assumed: 20%"):
        assert part in " ".join(said.split()), part


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--metric", "exact"), "a wanted difference needs both --metric and --difference"),
        (("--metric", "exact", "--difference", "0"), "give a number above 0"),
        (("--metric", "exact", "--difference", "0.1", "--gate", "sample"), "not both"),
        (("--metric", "beauty", "--difference", "0.1"), "unknown metric 'beauty'; known are "),
    ],
)
def test_bad_usage_is_one_line(shop, lifecycle, options, said):
    done = lifecycle("plan", "--app", shop.path, *options)
    assert isinstance(done.exception, ConfigurationError)
    assert said in str(done.exception)
