"""A text that stands in another one: most runs of tokens of the shorter are the longer's, too."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from math import floor

from tasks.curating.near import Pair
from tasks.curating.text import Text


def contained_pairs(texts: Sequence[Text], n: int, overlap: float) -> Iterator[Pair]:
    """Yields the pairs of texts of which one holds at least the share `overlap` of the other's runs of `n` tokens.

    The containment of Broder (1997), by which contamination of evaluations is usually told (Brown et al., 2020,
    appendix C). Of a text, only its rarest runs are looked up, so many that a text that holds enough of it must have
    one of them (prefix filtering: Chaudhuri et al., 2006): nothing is missed.

    Args:
        texts: those shorter than `n` tokens are not compared.
        n: tokens of a run.
        overlap: more than 0, 1 at most.
    """
    runs = [text.runs(n) if len(text.words) >= n else frozenset() for text in texts]
    often = Counter(run for each in runs for run in each)
    probes: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for position, each in enumerate(runs):
        rarest = sorted(each, key=lambda run: (often[run], run))
        needed = floor((1 - overlap) * len(each) + 1e-9) + 1
        for run in rarest[:needed]:
            if often[run] > 1:
                probes[run].append(position)
    for holder, each in enumerate(runs):
        candidates = {short for run in each for short in probes.get(run, ())}
        for short in sorted(candidates):
            # Each pair once: from the longer text's side, or from the later's where both have as many runs.
            if (len(runs[short]), short) >= (len(each), holder):
                continue
            score = len(runs[short] & each) / len(runs[short])
            if score >= overlap - 1e-9:
                yield Pair(min(short, holder), max(short, holder), score)
