from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.curating.containing import contained_pairs
from tasks.curating.near import bands, near_pairs
from tasks.curating.text import jaccard, text_of

WORDS = st.lists(
    st.sampled_from(["card", "lost", "new", "payment", "fee", "where", "when", "my", "the", "is", "it", "top", "up"]),
    max_size=12,
)
TEXTS = st.lists(WORDS.map(" ".join).map(text_of), max_size=25)


@settings(max_examples=60, deadline=None)
@given(TEXTS)
def test_every_pair_is_one_and_hardly_any_is_missed(texts):
    texts = list(dict.fromkeys(texts))
    exact = {
        (one, other): jaccard(texts[one].shingles, texts[other].shingles)
        for one, other in combinations(range(len(texts)), 2)
        if texts[one].words and texts[other].words
    }
    found = {(pair.one, pair.other): pair.score for pair in near_pairs(texts, 0.8)}
    assert all(exact[pair] == score >= 0.8 for pair, score in found.items())
    assert {pair for pair, score in exact.items() if score >= 0.95} <= found.keys()


def test_at_the_threshold_one_pair_in_two_hundred_may_be_missed():
    for overlap in (0.5, 0.6, 0.7, 0.8, 0.9, 0.99):
        count = bands(overlap)
        assert (1 - overlap ** (120 // count)) ** count <= 0.005


@settings(max_examples=100, deadline=None)
@given(TEXTS, st.integers(3, 6), st.floats(0.5, 1))
def test_no_contained_text_is_missed(texts, n, overlap):
    runs = [text.runs(n) if len(text.words) >= n else frozenset() for text in texts]
    wanted = set()
    for one, other in combinations(range(len(texts)), 2):
        least = min(len(runs[one]), len(runs[other]))
        if least and len(runs[one] & runs[other]) / least >= overlap - 1e-9:
            wanted.add((one, other))
    assert {(pair.one, pair.other) for pair in contained_pairs(texts, n, overlap)} == wanted
