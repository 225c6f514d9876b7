"""Pairwise judges: both orders are asked, and a judge that likes a place or a length is found out."""

import pytest

from configs.errors import LifecycleError
from infra.simulator.behaviour import Behaviour, Fault, Rule
from infra.simulator.running import simulated
from tasks.judging.judge import PairwiseJudge

REFERENCE = "It weighs 107 grams."


def won(winner):
    return f'{{"reason": "Because.", "winner": "{winner}"}}'


LIKES_THE_FIRST_PLACE = Behaviour(rules=(Rule(contains="", answer=won("first")),))
# The question is the first block of the message, the context the second.
LIKES_THE_LONGER = Behaviour(
    rules=(Rule(contains="", answer=won("tie"), others=(won("tie"), won("first"), won("second")), chosen_by="longest"),)
)
LIKES_GRAMS = Behaviour(
    rules=(
        Rule(contains="no grams\nfirst", answer=won("second")),
        Rule(contains="no grams\nsecond", answer=won("first")),
        Rule(contains="", answer=won("tie")),
    )
)


@pytest.fixture
def prefer(make_app, judge, means, answered):
    """Compares texts with the reference by a judge that behaves as it is told."""

    async def run(behaviour, *texts):
        with simulated(behaviour) as address:
            loaded = make_app(address)
            preference = judge(loaded, "preference")
            assert isinstance(preference, PairwiseJudge)
            rows, answers = answered(*texts)
            return await preference.prefer(rows, answers, [REFERENCE] * len(rows), means(loaded))

    return run


async def test_who_wins_in_both_orders_wins(prefer):
    (worse,) = await prefer(LIKES_GRAMS, "no grams")
    assert worse == (-1, -1, -1, "Because.")
    assert worse.first_place == 0


async def test_a_judge_that_likes_the_first_place_only_makes_ties_and_says_so(prefer):
    found = await prefer(LIKES_THE_FIRST_PLACE, "one", "two")
    assert [(each.value, each.first_place) for each in found] == [(0, 2), (0, 2)]
    assert "the orders disagree" in found[0].why


async def test_a_judge_that_likes_the_longer_is_of_one_mind(prefer):
    longer, shorter = await prefer(LIKES_THE_LONGER, "It weighs " + "very " * 40 + "much.", "107 g.")
    assert (longer.value, shorter.value) == (1, 0)


async def test_as_a_scorer_it_compares_an_answer_with_the_reference(make_app, judge, means, answered, chats):
    with simulated(LIKES_GRAMS) as address:
        loaded = make_app(address)
        preference = judge(loaded, "beats_reference", scorer="preference")
        assert (preference.metric.low, preference.metric.high, preference.needs) == (-1.0, 1.0, {"reference"})
        assert preference.needs_labels
        rated = await preference.rate(*answered("no grams", REFERENCE), means(loaded))
        assert [each.value for each in rated] == [-1.0, 0.0]
        # Two orders of the first; of the second both are the same question, and asked once.
        assert chats(address) == 3
        await preference.rate(*answered("no grams", REFERENCE), means(loaded))
        assert chats(address) == 3


async def test_half_a_comparison_is_none(make_app, judge, means, answered):
    fault = Fault(kind="server_error", contains=f"{REFERENCE}\nfirst")
    behaviour = LIKES_THE_FIRST_PLACE.model_copy(update={"faults": (fault,)})
    with simulated(behaviour) as address:
        loaded = make_app(address)
        (found,) = await judge(loaded, "preference").rate(*answered("one"), means(loaded))
    assert isinstance(found, LifecycleError)
    assert "answered 500" in str(found)
