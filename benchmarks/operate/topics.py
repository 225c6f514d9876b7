"""Questions by topic, as vectors: of a public data set as the project's embedding model sees them, or invented ones."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.augment.intents import Query
from tasks.statistics.two_sample import Vectors
from tasks.watching.vectors import word_vectors

_OF_A_TOPIC = 60
_TOPICS, _WORDS = 40, 12
_FRAMES = (
    "how do I {} the {} of my {}",
    "why is my {} {} not {}",
    "can you tell me about {} and {} for the {}",
    "is there a {} when the {} is {}",
    "I want to {} my {} because of the {}",
)
_SYLLABLES = ("ba", "ke", "lo", "mi", "nu", "ra", "se", "to", "vi", "zu", "pa", "di")


def embedded_topics(queries: Sequence[Query], folder: Path) -> list[Vectors]:
    """Returns the vectors of a data set's questions, a topic each.

    Args:
        queries: questions with their topics.
        folder: of the embedding model's file.
    """
    from benchmarks.augment.embedded_minilm import embeddings

    by_topic: dict[str, list[str]] = {}
    for query in queries:
        by_topic.setdefault(query.label, []).append(query.text)
    rng = np.random.default_rng(7)
    chosen = [[texts[at] for at in rng.permutation(len(texts))[:_OF_A_TOPIC]] for texts in by_topic.values()]
    vectors = embeddings([text for texts in chosen for text in texts], folder)
    ends = np.cumsum([len(texts) for texts in chosen])
    return [vectors[end - len(texts) : end] for texts, end in zip(chosen, ends, strict=True)]


def invented_questions() -> list[list[str]]:
    """Returns questions of invented topics: frames that all share, and words of each topic's own."""
    rng = np.random.default_rng(7)
    words = ["".join(rng.choice(_SYLLABLES, 3)) for _ in range(_TOPICS * _WORDS)]
    found = []
    for topic in range(_TOPICS):
        own = words[topic * _WORDS : (topic + 1) * _WORDS]
        found.append([str(rng.choice(_FRAMES)).format(*rng.choice(own, 3, replace=False)) for _ in range(_OF_A_TOPIC)])
    return found


def invented_topics() -> list[Vectors]:
    """Returns the words of invented questions as vectors, a topic each."""
    return [word_vectors(texts) for texts in invented_questions()]
