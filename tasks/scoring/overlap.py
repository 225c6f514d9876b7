"""Quality against a reference: is the answer the same, does it hold the fact, how many words do they share?"""

from collections import Counter
from collections.abc import Sequence

from tasks.calling.answer import Answer
from tasks.data.cells import as_text
from tasks.data.row import Row
from tasks.scoring.scorer import Rating, scorer
from tasks.scoring.words import tokens

_ARTICLES = frozenset({"a", "an", "the"})


def holds(given: Sequence[str], sought: Sequence[str]) -> bool:
    """Returns whether tokens hold others, one after the other."""
    return any(given[at : at + len(sought)] == sought for at in range(len(given) - len(sought) + 1))


@scorer("quality", version="1", needs=("reference",), binary=True)
def exact(row: Row, answer: Answer) -> Rating:
    """1 where answer and reference are the same tokens.

    Case, punctuation, blanks and English articles do not count: exact match as in SQuAD (Rajpurkar et al., 2016).
    """
    return Rating(float(_squad_tokens(answer.text) == _squad_tokens(row.reference)))


@scorer("quality", version="1", needs=("reference",))
def token_f1(row: Row, answer: Answer) -> Rating:
    """Harmonic mean of the shares of shared tokens in answer and reference.

    F1 as in SQuAD (Rajpurkar et al., 2016): tokens counted with their repetitions, English articles left out; in
    scripts without spaces, and in Korean, a token is a character (see `words.tokens`).
    """
    given, expected = _squad_tokens(answer.text), _squad_tokens(row.reference)
    if not given or not expected:
        return Rating(float(given == expected))
    shared = (Counter(given) & Counter(expected)).total()
    return Rating(2 * shared / (len(given) + len(expected)))


@scorer("quality", version="2", needs=("fact",), binary=True)
def contains(row: Row, answer: Answer, *, column: str = "") -> Rating:
    """1 where the answer holds the row's fact, token by token and in its order.

    The fact is the text in `column`, each of the texts where it holds a list, or the reference where no column is
    set. `2.1 kg` is in `It weighs 2.1kg.`; `1 kg` is not. Rows with no fact are not rated.
    """
    held = row.columns.get(column) if column else row.reference
    facts = [as_text(fact) for fact in held] if isinstance(held, list) else [as_text(held)]
    wanted = [(fact, sought) for fact in facts if (sought := tokens(fact))]
    if not wanted:
        return Rating(None, f"the row has no {column or 'reference'}")
    given = tokens(answer.text)
    missing = [fact for fact, sought in wanted if not holds(given, sought)]
    return Rating(float(not missing), f"missing: {', '.join(missing)}" if missing else "")


def _squad_tokens(text: str) -> list[str]:
    return [token for token in tokens(text) if token not in _ARTICLES]
