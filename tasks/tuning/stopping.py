"""When a training ends before its last step: where looks at the held-out rows are worse than the best, beyond noise.

Few rows are held out, and of one look and another some get better and some worse by chance. So two looks are compared
row by row, and a difference counts only where it is larger than its own standard error: the rule of one standard error
of Breiman et al. (1984, Classification and Regression Trees, section 3.4.3), here of the paired difference.
"""

import math
from typing import NamedTuple

from configs.schema.finetune import Finetune
from tasks.tuning.order import steps_of

RULE = "paired-1"
"""Named in the identity of a training that it may end. Bump it when a change of the rule may end one elsewhere."""

_ERRORS = 1.0
"""Standard errors that a look has to be above the best one. One-sided: of weights that are as good, one look in six
is above by chance, which is why a training has patience as well."""


class Look(NamedTuple):
    """The loss of rows that nothing is fitted to.

    Attributes:
        losses: of each row, summed over its answer's tokens.
        tokens: of each row's answer.
    """

    losses: tuple[float, ...]
    tokens: tuple[int, ...]

    @property
    def mean(self) -> float:
        """Loss of a token."""
        return sum(self.losses) / sum(self.tokens)

    def is_worse_than(self, losses: tuple[float, ...]) -> bool:
        """Says whether the same rows had a loss before that was lower by more than chance.

        The difference is that of the means; its standard error is that of a ratio of sums over rows, since rows with
        longer answers weigh more. A loss that is no number is worse.

        Args:
            losses: of the same rows before. Where they are not known (), or of a single row, any difference counts.
        """
        rows = len(self.losses)
        if rows < 2 or not losses:
            return True
        differences = [now - before for now, before in zip(self.losses, losses, strict=True)]
        tokens = sum(self.tokens)
        difference = sum(differences) / tokens
        beside = sum((each - difference * own) ** 2 for each, own in zip(differences, self.tokens, strict=True))
        error = math.sqrt(beside * rows / (rows - 1)) / tokens
        return not difference <= _ERRORS * error


def may_end_early(rows: int, held_out: int, settings: Finetune) -> bool:
    """Says whether looks may end a training before its last step: there are rows to look at, and looks enough.

    Args:
        rows: that it is fitted to.
        held_out: rows that are held out.
        settings: how.
    """
    looks = math.ceil(steps_of(rows, settings) / settings.look_every)
    # The first look is the best so far, and one at the last step ends nothing.
    return bool(held_out) and looks > settings.patience + 1
