"""What was found is shown with its examples, as text and never as mark-up."""

from configs.schema.app import ErrorBudget
from tasks.pages.watched import budget_row, watched_page
from tasks.watching.budgets import Burn, Pace, Spent
from tasks.watching.looking import Drifted, Looked
from tasks.watching.signals import Signal

BUDGET = Spent(
    ErrorBudget(metric="error_rate", at_most=0.01),
    n=1000,
    bad=25,
    share=2.5,
    burns=(
        Burn(Pace(1, 0.02, "critical"), 13.44, 20.0, 15.0, 18.0),
        Burn(Pace(6, 0.05, "critical"), 5.6, None, 0, None),
    ),
)


def test_signals_budgets_and_drift_are_on_the_page():
    signal = Signal("topic/questions", "topic", "1 new topic", examples=("<b>[refund](http://x)</b>",))
    drifted = Drifted("questions", "words-1", 7, (0.5, 0.2), "the budget is used up")
    page = watched_page(Looked(10, (signal, *BUDGET.signals), (drifted,), (BUDGET,)))
    assert "**warning** 1 new topic" in page and "<b>" not in page and "http://" not in page
    assert "questions: 2 comparisons by their words, 7 wait for the next; not measured since: the budget" in page
    assert "**critical** error\\_rate: the error budget of 28 days is spent (250% of it): 25 of 1000 requests" in page
    assert "burns 20.0 times as fast as it may, over 1 h" in page


def test_a_quiet_look_says_so():
    assert "nothing has changed" in watched_page(Looked(0, (), (), ()))


def test_a_budget_as_a_line():
    assert budget_row(BUDGET) == {
        "metric": "error_rate",
        "at most": "1.00% over 28 days",
        "spent": "250%",
        "bad": "25",
        "requests": 1000,
        "burn 1 h": "20.0 of 13.4",
        "burn 6 h": "",
    }
