import pytest

from tasks.candidate import RetrievalChoice
from tasks.data.row import Message, Row
from tasks.retrieval.finding import Finder
from tasks.retrieval.measuring import measure, rateable, worth

TEXTS = ("a red tent", "a blue bag", "a green stove")


def row(number, question, documents=(), answerable=None):
    return Row(f"r{number}", (Message("user", question),), documents=documents, cluster="c", answerable=answerable)


ROWS = (
    row(1, "red tent", ("D0",)),
    row(2, "blue bag and red tent tent", ("D1",)),
    row(3, "the Walrus bag", (), answerable=False),
    row(4, "a blue bag", (), answerable=False),
    row(5, "nothing is said of this one"),
)


async def measured(index_of, means, k=2, **choice):
    finder = Finder(RetrievalChoice(index="i" * 16, top_k=2, **choice), index_of(*TEXTS), means)
    return await measure(finder, ROWS, k)


async def test_ranked_metrics_of_rows_with_documents_and_silence_of_the_others(index_of, means):
    found = await measured(index_of, means)
    assert found.estimate("hit_rate").value == 1
    assert found.estimate("mrr").value == pytest.approx((1 + 1 / 2) / 2)
    assert (found.estimate("mrr").n, found.estimate("kept_silent").n) == (2, 2)
    assert found.estimate("kept_silent").value == found.estimate("nothing_shown").value == 0
    assert found.estimate("mrr").low < found.estimate("mrr").value < found.estimate("mrr").high


async def test_a_filter_that_shows_nothing_to_what_cannot_be_answered_serves_more_rows(index_of, means):
    plain, named = await measured(index_of, means), await measured(index_of, means, named_only=True)
    assert named.estimate("kept_silent").value == 0.5
    assert named.served.value == pytest.approx(plain.served.value + 1 / 4)


def test_rows_that_say_nothing_of_what_should_be_found_do_not_count():
    assert [each.id for each in rateable(ROWS)] == ["r1", "r2", "r3", "r4"]


def test_what_a_row_is_worth():
    assert worth(ROWS[0], (), 3, "mrr") == 0
    assert worth(ROWS[2], (), 3, "mrr") == 1


async def test_no_rows_have_no_estimate(index_of, means):
    finder = Finder(RetrievalChoice(index="i" * 16, top_k=1), index_of(*TEXTS), means)
    found = await measure(finder, (), 1)
    assert found.served.value is None
