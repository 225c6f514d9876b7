"""Arms of a search: which combinations of prompt, meta-prompt and shown examples are tried."""

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

from tasks.candidate import Prompt
from tasks.data.row import Row
from tasks.prompting.search.chance import shuffled


class Arm(NamedTuple):
    """One combination."""

    prompt: Prompt
    meta_prompt: Prompt | None = None
    shown: tuple[Row, ...] = ()
    """Examples put before the question, in their order."""

    @property
    def shown_ids(self) -> tuple[str, ...]:
        """Ids of the examples."""
        return tuple(row.id for row in self.shown)


def arms_of(
    prompts: Sequence[Prompt],
    meta_prompts: Sequence[Prompt | None],
    shown: Sequence[tuple[Row, ...]],
    most: int,
    seed: int,
) -> tuple[Arm, ...]:
    """Returns the arms that are tried, each once.

    The first has the first of everything: where the search begins. Those that differ from it in one thing follow, then
    all others in an order drawn at random; so whatever is tried at all is tried alone before it is tried together.

    Args:
        prompts: at least one.
        meta_prompts: at least one.
        shown: at least one.
        most: arms at most.
        seed: of the draw.
    """
    steps = product(range(len(prompts)), range(len(meta_prompts)), range(len(shown)))
    by_change: dict[int, list[tuple[int, int, int]]] = {}
    for at in steps:
        by_change.setdefault(min(2, sum(place > 0 for place in at)), []).append(at)
    order = [*by_change[0], *by_change.get(1, ()), *shuffled(by_change.get(2, ()), seed)]
    return tuple(Arm(prompts[one], meta_prompts[other], shown[last]) for one, other, last in order[:most])
