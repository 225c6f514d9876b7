"""What a stage within another spent is part of what that one spent."""

from configs.schema.app import Budget
from pipelines.spent import Spent
from tasks.calling.spend import Spend


def test_what_a_stage_within_spent_counts_and_the_caps_stay_the_outer_ones():
    outer, inner = Spend(Budget(calls=10)).as_dict(), Spend(Budget(calls=99)).as_dict()
    outer |= {"price": 1.0, "calls": {"made": 2, "reused": 1, "failed": 0, "skipped": 0}}
    inner |= {"price": 0.5, "calls": {"made": 3, "reused": 0, "failed": 1, "skipped": 0}}
    both = Spent(**Spent(**inner).within(outer))
    assert both.price == 1.5
    assert both.calls == {"made": 5, "reused": 1, "failed": 1, "skipped": 0}
    assert both.budget["calls"] == 10
