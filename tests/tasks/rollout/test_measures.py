import math
from dataclasses import replace

import pytest

from configs.errors import ConfigurationError
from configs.loading import load_app
from configs.schema.release import Rollout as Rules
from tasks.calling.answer import ToolCall
from tasks.rollout.measures import Measure, goodness, limits_of, measures_of
from tasks.scoring.abstaining import ABSTENTIONS
from tasks.scoring.catalogue import SCORERS


def of(*metrics):
    return Rules.model_validate({"metrics": [{"metric": metric, "margin": 0.1} for metric in metrics]})


def good(served, *names, **limits):
    measures = [Measure(name, 0.1, SCORERS.get(name)) for name in names]
    return goodness(served, measures, limits, ABSTENTIONS)


def test_an_app_may_judge_by_rates_times_prices_and_its_own_scorers():
    loaded = load_app("outfitter")
    names = ("error_rate", "abstention_rate", "latency_total", "price", "support", "pii_leak")
    assert tuple(each.name for each in measures_of(loaded, of(*names))) == names


@pytest.mark.parametrize("metric", ["contains", "token_f1", "no-such", "price_per_correct"])
def test_what_needs_a_reference_or_is_none_of_the_apps_judges_nothing(metric):
    with pytest.raises(ConfigurationError, match=f"'{metric}' cannot judge a rollout; known are error_rate"):
        measures_of(load_app("outfitter"), of(metric))


def test_what_a_fallback_gave_counts_as_no_answer_of_the_candidates(answer):
    of_another = replace(answer(1), fallback="spare")
    assert good(of_another, "error_rate", "abstention_rate") == {"error_rate": 0.0, "abstention_rate": 0.0}
    assert limits_of([of_another] * 50, [Measure("price", 0.1, None)], least=1) == {}


def test_what_calls_a_tool_has_no_text_to_be_rated(answer):
    calling = answer(1, text="")
    calling = replace(calling, answer=replace(calling.answer, tool_calls=(ToolCall("c1", "weather", "{}"),)))
    assert good(calling, "error_rate", "abstention_rate", "profanity") == {"error_rate": 1.0}


def test_the_better_the_higher(answer):
    assert good(answer(1), "error_rate") == {"error_rate": 1.0}
    assert good(answer(1, text="I do not know."), "abstention_rate") == {"abstention_rate": 0.0}
    assert good(answer(1, text="You damn fool"), "profanity") == {"profanity": 0.0}
    assert good(answer(1, seconds=2.0), "latency_total", latency_total=2.0) == {"latency_total": 1.0}
    assert good(answer(1, seconds=2.1), "latency_total", latency_total=2.0) == {"latency_total": 0.0}


def test_an_answer_that_failed_is_the_worst_on_everything(answer):
    failed = answer(1, ok=False)
    measured = good(failed, "error_rate", "abstention_rate", "profanity", "price", price=1.0)
    assert set(measured.values()) == {0.0} and len(measured) == 4


def test_a_client_that_left_says_only_that_no_answer_came(answer):
    assert good(answer(1, gone=True), "error_rate", "profanity", "abstention_rate") == {"error_rate": 0.0}


def test_a_time_that_is_not_known_is_missing_and_not_fast(answer):
    assert math.isnan(good(answer(1, seconds=0.0), "latency_total", latency_total=1.0)["latency_total"])


def test_a_time_without_a_limit_is_not_measured_yet(answer):
    assert good(answer(1), "latency_total") == {}


def test_slow_is_what_a_twentieth_of_the_champions_answers_take(answer):
    measures = [Measure("latency_total", 0.1, None), Measure("error_rate", 0.1, None)]
    served = [answer(n, seconds=float(n)) for n in range(1, 101)]
    assert limits_of(served, measures, 20) == {"latency_total": 95.0}
    assert limits_of(served[:19], measures, 20) == {}
    assert limits_of([], [Measure("error_rate", 0.1, None)], 20) == {}
