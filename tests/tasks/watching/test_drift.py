"""Texts are compared in stretches, each once, and what was interrupted goes on as if it had not been."""

import numpy as np

from tasks.watching.drift import KNOWN, Drift
from tasks.watching.vectors import WORDS, word_vectors

OLD = ("where is my parcel {}", "my parcel {} is late", "the tent {} leaks", "is the tent {} waterproof")
NEW = ("the invoice {} was charged twice on my card", "please refund the invoice {} to my card")
SIZE, EVERY = 50, 400.0


def stretch(rng, new=0.0, count=SIZE):
    texts = [str(rng.choice(NEW if rng.random() < new else OLD)).format(rng.integers(50)) for _ in range(count)]
    return word_vectors(texts)


def entered(drift, vectors, size=SIZE, start=0):
    names = [f"{start + at:06d}" for at in range(len(vectors))]
    drift.enter(names, names, vectors, size, EVERY, "now")
    return drift


def test_a_drift_is_found_with_what_there_is_more_of_and_when_it_began():
    rng = np.random.default_rng(1)
    drift = Drift(WORDS)
    for at in range(4):
        entered(drift, stretch(rng), start=at * SIZE)
    assert drift.shifts == []
    for at in range(4, 7):
        entered(drift, stretch(rng, new=0.6), start=at * SIZE)
    assert drift.shifts[0].began in ("000150", "000200")
    assert drift.shifts[0].typical and drift.shifts[0].seen == "now"
    assert len(drift.known) == 7 * SIZE, "so few that stay the same would be a drift by themselves"


def test_a_new_topic_is_found_with_the_most_typical_first():
    rng = np.random.default_rng(2)
    drift = Drift(WORDS)
    entered(drift, stretch(rng, count=4 * SIZE))
    fresh = np.vstack([stretch(rng, count=40), word_vectors([NEW[1].format(at) for at in range(10)])])
    entered(drift, fresh, start=1000)
    [topic] = drift.topics
    assert set(topic.members) == {f"{at:06d}" for at in range(1040, 1050)}


def test_pieces_of_any_size_come_to_the_same():
    rng = np.random.default_rng(3)
    vectors = np.vstack([stretch(rng, new=share) for share in (0, 0, 0, 0.7, 0.7)])
    whole, parts = Drift(WORDS), Drift(WORDS)
    entered(whole, vectors)
    for start in range(0, len(vectors), 17):
        parts = Drift.from_bytes(entered(parts, vectors[start : start + 17], start=start).to_bytes())
    assert (parts.ranks, parts.shifts, parts.topics) == (whole.ranks, whole.shifts, whole.topics)
    assert np.array_equal(parts.known, whole.known)


def test_a_drift_early_on_leaves_new_topics_to_be_found():
    rng = np.random.default_rng(6)
    drift = Drift(WORDS)
    for at in range(2):
        entered(drift, stretch(rng), start=at * SIZE)
    entered(drift, stretch(rng, new=1.0, count=3 * SIZE), start=2 * SIZE)
    assert drift.shifts and not drift.topics
    topic = word_vectors([f"which boots fit wide feet, number {at}?" for at in range(10)])
    entered(drift, np.vstack([stretch(rng, new=0.5, count=40), topic]), start=1000)
    [found] = drift.topics
    assert set(found.members) == {f"{at:06d}" for at in range(1040, 1050)}


def test_nothing_and_less_than_a_stretch_are_no_comparison():
    rng = np.random.default_rng(4)
    drift = entered(Drift(WORDS), word_vectors([]))
    entered(drift, stretch(rng, count=1))
    assert (drift.ranks, len(drift.ids), len(drift.known)) == ([], 1, 0)


def test_so_many_are_known_and_no_more():
    rng = np.random.default_rng(5)
    drift = Drift(WORDS)
    entered(drift, stretch(rng, count=KNOWN + 400), size=200)
    assert len(drift.known) == KNOWN
    assert len(drift.ranks) == 6


def test_words_are_alike_where_texts_share_them():
    one, other, none, empty = word_vectors(["The tent leaks.", "the TENT leaks!", "방수 텐트", ""])
    assert float(one @ other) > 0.99
    assert abs(float(one @ none)) < 0.3
    assert not empty.any()
