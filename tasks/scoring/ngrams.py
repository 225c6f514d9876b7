"""Quality by shared runs of words or characters: BLEU, chrF and ROUGE, for texts of which many wordings are right."""

from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from tasks.calling.answer import Answer
from tasks.data.row import Row
from tasks.scoring.scorer import Rating, scorer
from tasks.scoring.words import normalised, tokens

if TYPE_CHECKING:
    from sacrebleu.metrics import BLEU, CHRF

_TOKENIZERS = ("words", "13a", "intl", "zh", "char")


def _check(*, tokenizer: str) -> None:
    if tokenizer not in _TOKENIZERS:
        raise ValueError(f"tokenizer: found {tokenizer!r}; allowed are {', '.join(_TOKENIZERS)}")


@scorer("quality", version="1", needs=("reference",), check=_check)
def bleu(row: Row, answer: Answer, *, tokenizer: str = "words") -> Rating:
    """BLEU of the one answer: how many of its runs of one to four tokens the reference has, too short ones punished.

    Papineni et al. (2002), of a sentence, with exponential smoothing and only the orders that the answer is long enough
    for, as sacreBLEU (Post, 2018) computes it. Tokens are those of `words.tokens`, for every language the same, or
    sacreBLEU's own (`13a`, `intl`, `zh`, `char`), which count case and punctuation.
    """
    given, expected = answer.text, row.reference
    if tokenizer == "words":
        given, expected = " ".join(tokens(given)), " ".join(tokens(expected))
    if not given.strip() or not expected.strip():
        return Rating(float(given.strip() == expected.strip()))
    return Rating(_share(_bleu(tokenizer).sentence_score(given, [expected]).score))


@scorer("quality", version="1", needs=("reference",))
def chrf(row: Row, answer: Answer) -> Rating:
    """chrF2 of the one answer: F-measure of runs of one to six characters, recall counted twice.

    Popović (2015), as sacreBLEU (Post, 2018) computes it; blanks and case do not count. It needs no words, so that it
    is the fairest of its kind to Korean, Japanese, Turkish or Finnish.
    """
    given, expected = normalised(answer.text), normalised(row.reference)
    if not given or not expected:
        return Rating(float(given == expected))
    return Rating(_share(_chrf().sentence_score(given, [expected]).score))


@scorer("quality", version="1", needs=("reference",))
def rouge_1(row: Row, answer: Answer) -> Rating:
    """ROUGE-1: harmonic mean of precision and recall of shared tokens.

    Lin (2004), F-measure, without stemming; tokens are those of `words.tokens`.
    """
    return Rating(_rouge_n(tokens(answer.text), tokens(row.reference), 1))


@scorer("quality", version="1", needs=("reference",))
def rouge_2(row: Row, answer: Answer) -> Rating:
    """ROUGE-2: harmonic mean of precision and recall of shared pairs of neighbouring tokens.

    Lin (2004), F-measure, without stemming. Texts of a single token have no pair: equal ones score 1.
    """
    return Rating(_rouge_n(tokens(answer.text), tokens(row.reference), 2))


@scorer("quality", version="1", needs=("reference",))
def rouge_l(row: Row, answer: Answer) -> Rating:
    """ROUGE-L: harmonic mean of the shares of both texts that their longest common subsequence of tokens makes up.

    Lin (2004), F-measure of the text as one sentence; the subsequence is RapidFuzz's.
    """
    from rapidfuzz.distance import LCSseq

    given, expected = tokens(answer.text), tokens(row.reference)
    if not given or not expected:
        return Rating(float(given == expected))
    return Rating(2 * LCSseq.similarity(given, expected) / (len(given) + len(expected)))


def _rouge_n(given: Sequence[str], expected: Sequence[str], n: int) -> float:
    if given == expected:
        return 1.0
    of_given, of_expected = _runs(given, n), _runs(expected, n)
    if not of_given or not of_expected:
        return 0.0
    return 2 * (of_given & of_expected).total() / (of_given.total() + of_expected.total())


def _runs(words: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[at : at + n]) for at in range(len(words) - n + 1))


def _share(percent: float) -> float:
    """Returns a percentage as a share; sacreBLEU's logarithms leave a full one a rounding above 100."""
    return min(1.0, max(0.0, percent / 100))


@cache
def _bleu(tokenizer: str) -> "BLEU":
    from sacrebleu.metrics import BLEU

    options: dict[str, Any] = {"tokenize": "none", "force": True} if tokenizer == "words" else {"tokenize": tokenizer}
    return BLEU(effective_order=True, **options)


@cache
def _chrf() -> "CHRF":
    from sacrebleu.metrics import CHRF

    return CHRF()
