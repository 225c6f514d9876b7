"""Sets of few-shot examples, and the orders that they are shown in."""

from collections.abc import Sequence

from tasks.data.row import Row
from tasks.prompting.search.chance import shuffled


def showings(pool: Sequence[Row], most: int, sets: int, orders: int, seed: int) -> tuple[tuple[Row, ...], ...]:
    """Returns the tuples of rows that are tried as examples, each once; the first is empty.

    Sizes are 1, 2, 4 and so on up to `most`, which is one of them. Of each size the first set is spread over answerable
    and unanswerable rows, the second holds answerable ones alone, others are drawn at random: a small model that is
    shown a refusal learns to refuse. Of each set the first order is the drawn one, the second its reverse (what stands
    last weighs most), others are drawn.

    Args:
        pool: rows that may be shown, each with its reference.
        most: examples at most; as many as there are where that is more.
        sets: of each size.
        orders: of each set.
        seed: of the draw.
    """
    found: dict[tuple[str, ...], tuple[Row, ...]] = {(): ()}
    for size in _sizes(min(most, len(pool))):
        for number in range(sets):
            rows = _set(pool, size, number, seed)
            for order in range(orders):
                shown = _ordered(rows, order, seed)
                found.setdefault(tuple(row.id for row in shown), shown)
    return tuple(found.values())


def _sizes(most: int) -> list[int]:
    sizes = [1 << power for power in range(most.bit_length()) if 1 << power < most]
    return [*sizes, most] if most else []


def _set(pool: Sequence[Row], size: int, number: int, seed: int) -> tuple[Row, ...]:
    drawn = shuffled(pool, seed, number)
    no = [row for row in drawn if row.answerable is False]
    yes = [row for row in drawn if row.answerable is not False]
    if number == 0:
        spread = [row for pair in zip(yes, no, strict=False) for row in pair]
        rest = [row for row in drawn if row not in spread]
        return tuple((spread + rest)[:size])
    return tuple((yes + no if number == 1 else drawn)[:size])


def _ordered(rows: tuple[Row, ...], order: int, seed: int) -> tuple[Row, ...]:
    if order < 2:
        return rows[::-1] if order else rows
    return tuple(shuffled(rows, seed, order))
