"""Draws docs/pictures/deciding.svg: a gate that is looked at after every row, by the code that decides real gates."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from tasks.statistics.anytime import Design, drawn, highest, lowest
from tasks.statistics.intervals import difference_interval

MARGIN, ROWS, DISCORDANT, BETTER = 0.05, 600, 0.15, 0.01
HOPED = (MARGIN,)


def main() -> None:
    """Draws the picture."""
    chance = np.random.default_rng(2).random(ROWS)
    share = (DISCORDANT + BETTER) / 2
    values = np.where(chance < share, 1.0, np.where(chance < DISCORDANT, -1.0, 0.0))
    seen = np.arange(10, ROWS + 1, 10)
    design = Design(ROWS, ROWS, 1)
    ends, peeked = [], []
    for n in seen:
        rows = drawn(values[:n], np.arange(n), -1.0, 1.0)
        ends.append((rows.mean, lowest(rows, design, HOPED, 0.05), highest(rows, design, HOPED, 0.05)))
        peeked.append(difference_interval(values[:n], np.arange(n), 0.9, 1.0)[1:3])
    mean, low, high = np.array(ends).T
    once_low, once_high = np.array(peeked).T
    settled = int(seen[np.argmax(low >= -MARGIN)])
    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.add_subplot()
    axes.fill_between(seen, low, high, color="#9fc5e8", label="interval that may be looked at after every row")
    axes.plot(seen, once_low, "--", color="#666666", label="interval that holds for one look only")
    axes.plot(seen, once_high, "--", color="#666666")
    axes.plot(seen, mean, color="#0b5394", label="difference so far")
    axes.axhline(-MARGIN, color="black", linewidth=1)
    axes.annotate("the margin: 0.05 worse", (ROWS, -MARGIN), (0, -12), textcoords="offset points", ha="right")
    axes.axvline(settled, color="black", linestyle=":")
    axes.annotate(f"PASS after {settled} rows", (settled, 0.25), (6, 0), textcoords="offset points")
    axes.set(xlabel="rows asked", ylabel="candidate less champion", ylim=(-0.3, 0.3), xlim=(10, ROWS))
    axes.legend(loc="lower right", frameon=False)
    figure.savefig(Path(__file__).with_suffix(".svg"), metadata={"Date": None})


if __name__ == "__main__":
    main()
