"""Calibrating: agreement with people, noise, and biases of judges that are biased by construction."""

import pytest

from configs.errors import EndpointError
from configs.schema.app import Budget
from infra.simulator.behaviour import Behaviour, Rule
from infra.simulator.running import simulated
from tasks.calling.spend import BudgetUsedUp
from tasks.judging.calibrating import calibrate
from tasks.judging.calibration import fitness, save_calibration
from tasks.judging.labelled import Labelled
from tasks.judging.page import calibration_page, calibration_row
from tasks.results.store import Store

from .conftest import said
from .test_pairwise import LIKES_THE_FIRST_PLACE, LIKES_THE_LONGER, won

WORDS = {1: "useless", 2: "poor", 3: "middling", 4: "decent", 5: "splendid"}
# It reads what the answer says of itself, and so agrees with whoever labels by the same words.
HONEST = Behaviour(rules=tuple(Rule(contains=word, answer=said(score)) for score, word in WORDS.items()))
NOISY = Behaviour(rules=(Rule(contains="", answer=said(2), others=(said(4),)),))
CONSTANT = Behaviour(rules=(Rule(contains="", answer=said(3)),))
LIKES_LENGTH = Behaviour(
    rules=(
        Rule(contains="padding " * 30, answer=said(5)),
        Rule(contains="padding " * 10, answer=said(3)),
        Rule(contains="", answer=said(1)),
    )
)


@pytest.fixture
def labelled(answered):
    """Answers that say what they are worth, each with that as its label; some of them are padded."""

    def make(n, padding=lambda number: 0, labels=lambda number: number % 5 + 1):
        texts = [f"{WORDS[number % 5 + 1]} {number}. " + "padding " * padding(number) for number in range(n)]
        rows, answers = answered(*texts)
        return [
            Labelled(row.id, row, answer, labels(at))
            for at, (row, answer) in enumerate(zip(rows, answers, strict=True))
        ]

    return make


@pytest.fixture
def calibrated(make_app, judge, means, chats):
    """Calibrates a judge that behaves as it is told."""

    async def run(behaviour, labelled, name="relevance", reruns=3):
        with simulated(behaviour) as address:
            loaded = make_app(address)
            found = await calibrate(judge(loaded, name), labelled, means(loaded), reruns)
            asked = chats(address)
            assert await calibrate(judge(loaded, name), labelled, means(loaded), reruns) == found
            assert chats(address) == asked, "what was asked is not asked again"
            return found.calibration, asked

    return run


async def test_a_judge_that_agrees_with_people_is_fit(calibrated, labelled):
    found, asked = await calibrated(HONEST, labelled(40))
    assert (found.fit, found.unfit, found.biases) == (True, (), ())
    assert (found.agreement.kappa, found.agreement.alike, found.agreement.base_rate) == (1.0, 1.0, 0.2)
    assert (found.noise.deviation, found.noise.smallest_difference(40)) == (0.0, 0.0)
    assert found.position is None  # the prompt shows neither reference nor context
    assert (found.coverage, found.labels, asked) == (1.0, 40, 120)


async def test_a_constant_is_unfit_however_often_it_is_right(calibrated, labelled):
    often_three = labelled(40, labels=lambda number: 3 if number % 10 else 1)
    found, _ = await calibrated(CONSTANT, often_three)
    assert (found.agreement.kappa, found.agreement.alike, found.agreement.base_rate) == (0.0, 0.9, 0.9)
    assert not found.fit
    assert "no better than chance" in found.unfit[0]


async def test_the_noise_floor_is_what_reruns_differ_by(calibrated, labelled):
    found, _ = await calibrated(NOISY, labelled(60), reruns=4)
    # 2 or 4 at random: a standard deviation of 1 around the mean.
    assert found.noise.deviation == pytest.approx(1.0, abs=0.1)
    assert found.noise.smallest_difference(100) == pytest.approx(1.97 * (2 / 100) ** 0.5, rel=0.1)
    assert not found.fit


async def test_a_judge_that_likes_length_is_found_out(calibrated, labelled):
    padded = labelled(60, padding=lambda number: number * 7 % 41)
    found, _ = await calibrated(LIKES_LENGTH, padded)
    assert found.length.low > 0
    assert "the length of the answer moves its score" in found.biases[-1]
    honest, _ = await calibrated(HONEST, padded)
    assert honest.length.value == pytest.approx(0, abs=1e-9)
    assert honest.biases == ()


async def test_a_judge_that_likes_an_order_is_found_out(calibrated, labelled):
    # What stands first in the message is the context, and the answer after it; turned, the longest block is another.
    likes_the_last = Rule(contains="", answer=said(2), others=(said(2), said(5)), chosen_by="longest")
    long_answers = labelled(40, padding=lambda number: 50)
    found, asked = await calibrated(Behaviour(rules=(likes_the_last,)), long_answers, "groundedness", reruns=2)
    # Question, context, answer: the answer is the third block, and the second one where both have changed places.
    assert (found.position.value, asked) == (-3.0, 120)
    assert "the order of the texts moves its score by -3.00" in found.biases[0]


async def test_a_pairwise_judge_that_likes_the_first_place_is_found_out(calibrated, labelled):
    pairs = labelled(40, labels=lambda number: number % 3 - 1)
    found, _ = await calibrated(LIKES_THE_FIRST_PLACE, pairs, "preference", reruns=2)
    assert (found.position.value, found.disagreement.value, found.length.value) == (1.0, 1.0, 0.0)
    assert not found.fit


async def test_a_pairwise_judge_that_likes_the_longer_is_found_out(calibrated, labelled):
    pairs = labelled(40, labels=lambda number: number % 3 - 1)
    found, _ = await calibrated(LIKES_THE_LONGER, pairs, "preference", reruns=2)
    assert (found.length.value, found.position.value) == (1.0, 0.0)
    assert "the length of the answer" in found.biases[0]


async def test_a_pairwise_judge_without_a_bias_has_none(calibrated, labelled):
    pairs = labelled(40, labels=lambda number: 0)
    found, _ = await calibrated(Behaviour(rules=(Rule(contains="", answer=won("tie")),)), pairs, "preference", reruns=2)
    assert (found.position.value, found.length.value, found.biases) == (0.0, 0.0, ())


async def test_a_judge_that_answers_prose_cannot_be_calibrated(calibrated, labelled):
    with pytest.raises(EndpointError, match=r"gave a score to 8 of 40 labelled answers, 20 are needed; .*no JSON"):
        await calibrated(Behaviour(rules=HONEST.rules[4:]), labelled(40))


async def test_what_cannot_be_read_counts_against_the_judge(calibrated, labelled):
    found, _ = await calibrated(Behaviour(rules=HONEST.rules[1:]), labelled(40))
    assert (found.coverage, found.agreement.n) == (0.8, 32)
    assert "readable score for 80% of the answers only" in found.unfit[0]


async def test_a_budget_that_does_not_reach_ends_it(make_app, judge, means, labelled):
    with simulated(CONSTANT) as address:
        loaded = make_app(address, budget=Budget(calls=30).model_dump())
        with pytest.raises(BudgetUsedUp, match="budget of 30 calls"):
            await calibrate(judge(loaded), labelled(40), means(loaded), 2)


async def test_a_calibration_is_of_exactly_one_version(make_app, judge, means, labelled, tmp_path):
    store = Store(tmp_path / "results")
    with simulated(HONEST) as address:
        loaded = make_app(address)
        relevance = judge(loaded)
        assert relevance.fitness(store) is None
        found = (await calibrate(relevance, labelled(40), means(loaded), 2)).calibration
        save_calibration(store, found)
        assert relevance.fitness(store) == fitness(store, relevance.metric.version) == found
        assert judge(loaded, settings={"max_tokens": 50}).fitness(store) is None
    page = calibration_page(found)
    assert page.startswith("# Judge relevance may be relied on")
    assert "always saying 1 would reach 20%" in page
    assert calibration_row(found)["kappa"] == "1.00 [1.00, 1.00]"
