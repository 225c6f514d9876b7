"""Near duplicates: texts that share most of their runs of characters, found by MinHash and then counted exactly."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tasks.curating.text import Text, jaccard

_HASHES = 120
_SEED = 7
_MISSED = 0.005
"""Share of the pairs exactly at the threshold that may be missed; above it fewer are."""
_ROWS_OF_A_BAND = (12, 10, 8, 6, 5, 4, 3, 2)


class Pair(NamedTuple):
    """Two texts by their positions, the smaller first, and how alike they are, 0 to 1."""

    one: int
    other: int
    score: float


def near_pairs(texts: Sequence[Text], overlap: float) -> Iterator[Pair]:
    """Yields the pairs of texts whose runs of four characters overlap (Jaccard) by at least `overlap`.

    MinHash with banding (Broder, 1997; Leskovec, Rajaraman, Ullman, "Mining of Massive Datasets", chapter 3) names
    candidates, by `rensa`; each is then counted, so that a pair that is yielded is one. Of pairs at the threshold 0.5 %
    are missed at most. The same texts give the same pairs, whatever stands between them.

    Args:
        texts: those without a word are like nothing; each best comes once, since all pairs of equal ones are yielded.
        overlap: 0.5 to 1.
    """
    from rensa import RMinHash, RMinHashLSH

    at = [position for position, text in enumerate(texts) if text.words]
    shingles = [texts[position].shingles for position in at]
    signatures = []
    for each in shingles:
        signature = RMinHash(num_perm=_HASHES, seed=_SEED)
        signature.update(sorted(each))
        signatures.append(signature)
    index = RMinHashLSH(threshold=overlap, num_perm=_HASHES, num_bands=bands(overlap))
    index.insert_many(signatures)
    for later, signature in enumerate(signatures):
        for earlier in sorted(index.query(signature)):
            if earlier >= later:
                break
            if (score := jaccard(shingles[earlier], shingles[later])) >= overlap:
                yield Pair(at[earlier], at[later], score)


def bands(overlap: float) -> int:
    """Returns into how many bands the hashes are cut, as few as miss hardly any pair at the threshold."""
    for rows in _ROWS_OF_A_BAND:
        count = _HASHES // rows
        if (1 - overlap**rows) ** count <= _MISSED:
            return count
    return _HASHES // _ROWS_OF_A_BAND[-1]
