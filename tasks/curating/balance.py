"""How many rows each class has, in each split."""

from collections import Counter
from collections.abc import Iterable

from configs.schema.app import App
from tasks.curating.item import Item

_SHOWN = 200


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
