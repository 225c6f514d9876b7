"""How many rows each class has, in each split."""

from collections import Counter
from collections.abc import Iterable

from configs.schema.app import App
from tasks.curating.item import Item

_SHOWN = 200
_NAMED = 5
FEW_ROWS, FEW_SHARE = 10, 0.05
"""Rows, and share of all rows, below which little is learnt of a class and little said of it."""


def class_column(app: App) -> str | None:
    """Returns the column whose values are the rows' classes; None where there is none."""
    slices = app.datasets.columns.slices
    return app.curate.class_column or (slices[0] if slices else None)


def balance_of(items: Iterable[Item]) -> dict[str, dict[str, int]]:
    """Returns, for each class, how many rows each split has of it; the largest class first, of equals by name."""
    counts: dict[str, Counter[str]] = {}
    for item in items:
        counts.setdefault(item.about, Counter())[item.side] += 1
    ordered = sorted(counts, key=lambda about: (-counts[about].total(), about))
    return {about: dict(sorted(counts[about].items())) for about in ordered}


def balance_rows(balance: dict[str, dict[str, int]]) -> list[dict[str, str | int]]:
    """Returns the balance as lines of a table, one a class, 200 at most."""
    sides = sorted({side for of_side in balance.values() for side in of_side})
    return [
        {"class": about or "(none)", **{side: of_side.get(side, 0) for side in sides}, "rows": sum(of_side.values())}
        for about, of_side in list(balance.items())[:_SHOWN]
    ]


def few_in_words(balance: dict[str, dict[str, int]]) -> str:
    """Returns one line that names the classes of few rows, the smallest first; "" where there are none.

    Rows without a class are none of them, nor is a class alone.
    """
    rows = {about: sum(of_side.values()) for about, of_side in balance.items()}
    all_rows = sum(rows.values())
    few = [about for about, count in rows.items() if about and (count < FEW_ROWS or count < FEW_SHARE * all_rows)]
    if not few or len(rows) == 1:
        return ""
    named = ", ".join(f"{about!r} {rows[about]}" for about in sorted(few, key=lambda each: (rows[each], each))[:_NAMED])
    more = f" and {len(few) - _NAMED} more" if len(few) > _NAMED else ""
    return (
        f"{len(few)} of {len(rows)} classes have fewer than {FEW_ROWS} rows, or than {FEW_SHARE:.0%} of all "
        f"{all_rows}: {named}{more}; add rows of them, or little is learnt of them and little can be said"
    )
