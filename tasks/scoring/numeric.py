"""Quality of a number: is it the right one, within a tolerance?"""

import math
import unicodedata

import regex

from tasks.calling.answer import Answer
from tasks.data.cells import as_text
from tasks.data.row import Row
from tasks.scoring.scorer import Rating, scorer

_RUN = regex.compile(
    r"(?<![\p{L}\p{Nd}_])(?<!\p{L}-)(?P<sign>(?<![\p{L}\p{Nd}_)])[-+])?(?P<digits>\p{Nd}+(?:[.,]\p{Nd}+)*)"
    r"(?P<power>[eE][-+]?\p{Nd}{1,3}(?![\p{L}\p{Nd}]))?"
)
_COMMA_THOUSANDS = regex.compile(r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?")
_DOT_THOUSANDS = regex.compile(r"[1-9]\d{0,2}(?:(?:\.\d{3})+,\d+|(?:\.\d{3}){2,})")
_DECIMAL = regex.compile(r"\d+(?:[.,]\d+)?")
_MINUS = str.maketrans({"−": "-", "–": "-", "﹣": "-"})
_PICKS = ("first", "last", "any")


def numbers_in(text: str) -> list[float]:
    """Returns the numbers in a text, in their order; digits that belong to a name (`P12`, `B-52`) are none.

    A comma before groups of three digits parts thousands (`1,200.5`), as dots do before a decimal comma or twice
    (`1.200,5`, `1.200.000`); else comma and dot are the decimal point (`2,5`, `1.200`), or a comma parts two numbers
    (`1,2,3`).
    """
    plain = unicodedata.normalize("NFKC", text).translate(_MINUS)
    found = (
        float(f"{match['sign'] or ''}{digits}{match['power'] or ''}")
        for match in _RUN.finditer(plain)
        for digits in _parted(match["digits"])
    )
    return [number for number in found if math.isfinite(number)]


def _parted(digits: str) -> list[str]:
    """Returns what stands in a run of digits, dots and commas as Python writes numbers."""
    if _COMMA_THOUSANDS.fullmatch(digits):
        return [digits.replace(",", "")]
    if _DOT_THOUSANDS.fullmatch(digits):
        return [digits.replace(".", "").replace(",", ".")]
    if _DECIMAL.fullmatch(digits):
        return [digits.replace(",", ".")]
    return [part for part in digits.split(",") if _DECIMAL.fullmatch(part)]


def _check(*, absolute: float, relative: float, pick: str, column: str) -> None:  # noqa: ARG001
    if absolute < 0 or relative < 0:
        raise ValueError("`absolute` and `relative` are tolerances; neither may be below 0")
    if pick not in _PICKS:
        raise ValueError(f"pick: found {pick!r}; allowed are {', '.join(_PICKS)}")


@scorer("quality", version="1", needs=("fact",), binary=True, check=_check)
def numeric(
    row: Row, answer: Answer, *, absolute: float = 0.0, relative: float = 0.0, pick: str = "last", column: str = ""
) -> Rating:
    """1 where the answer's number is the row's, within a tolerance.

    |given - expected| ≤ max(`absolute`, `relative` · |expected|). The number is the last that is said, as GSM8K (Cobbe
    et al., 2021) is scored, the first, or `any` in the answer and the first in the row (`pick`); the row's stands in
    `column`, or in the reference. Rows that hold no number are not rated; an answer that holds none is wrong.
    """
    expected = numbers_in(as_text(row.columns.get(column)) if column else row.reference)
    if not expected:
        return Rating(None, f"no number in the row's {column or 'reference'}")
    given = numbers_in(answer.text)
    if not given:
        return Rating(0.0, "says no number")
    picked = {"first": given[:1], "last": given[-1:], "any": given}[pick]
    sought = expected[-1] if pick == "last" else expected[0]
    # Tolerances are meant in decimals: 42.1 is within 0.1 of 42, though in binary it is a rounding off.
    within = max(absolute, relative * abs(sought)) + 1e-12 * abs(sought)
    right = any(abs(number - sought) <= within for number in picked)
    return Rating(float(right), "" if right else f"says {', '.join(f'{n:g}' for n in picked)}, right is {sought:g}")
