"""A judge that compares two answers. Asked in both orders, so that the place of an answer cannot win."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from configs.errors import LifecycleError
from tasks.calling.answer import Answer
from tasks.data.row import Message, Row
from tasks.judging.asking import Messages, Said
from tasks.judging.material import MATERIAL, material_of
from tasks.judging.pointwise import Judge
from tasks.judging.reply import Reply, ReplyForm
from tasks.prompting.render import variables
from tasks.scoring.asked import Means, Rated
from tasks.scoring.scorer import Need, Rating

_FORM = ReplyForm("winner", ("first", "second", "tie"), "`first`, `second` or `tie`")
_IN_PLACES = frozenset({"answer", "reference"})
"""Texts that are shown as `first` and `second`."""
_WORTH = {"first": 1, "second": -1, "tie": 0}


class Preference(NamedTuple):
    """Which of two answers a judge prefers.

    Attributes:
        value: 1 for the first, -1 for the second, 0 for neither; also 0 where the orders disagree.
        forward: what it said with the first answer in the first place, the same way.
        backward: what it said with the first answer in the second place; the same way, so that both are alike where
            only the answers count.
        why: its reasons.
    """

    value: int
    forward: int
    backward: int
    why: str

    @property
    def first_place(self) -> int:
        """What the first place gained: 2 where it won in both orders, -2 where the second did, 0 where neither."""
        return self.forward - self.backward


Preferred = Preference | LifecycleError
"""A preference, or why there is none."""


class PairwiseJudge(Judge):
    """A model that compares two answers. As a scorer it compares an answer with the row's reference."""

    @property
    def rated_texts(self) -> frozenset[str]:
        """What its prompt must show."""
        return frozenset({"first", "second"})

    @property
    def form(self) -> ReplyForm:
        """How it answers."""
        return _FORM

    @property
    def needs(self) -> frozenset[Need]:
        """The reference: the answer is compared with it."""
        return frozenset({"reference"})

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the dataset that its prompt cannot do without."""
        return tuple(sorted(variables(self.prompt) - MATERIAL - self.rated_texts))

    @property
    def swapped_texts(self) -> None:
        """None: both orders are asked in any case."""
        return

    async def rate_again(
        self,
        rows: Sequence[Row],
        answers: Sequence[Answer],
        means: Means,
        *,
        repeat: int = 0,
        swapped: bool = False,  # noqa: ARG002 both orders are asked in any case
    ) -> list[Rated]:
        """Compares answers with the references of their rows: 1 where the answer is preferred, -1 where it loses.

        Args:
            rows: each with an id of its own.
            answers: in the rows' order.
            means: what asking takes.
            repeat: which deliberate asking it is.
            swapped: changes nothing, as both orders are asked.
        """
        references = [row.reference for row in rows]
        found = await self.prefer(rows, answers, references, means, repeat=repeat)
        return [Rating(float(each.value), each.why) if isinstance(each, Preference) else each for each in found]

    async def prefer(
        self, rows: Sequence[Row], first: Sequence[Answer], second: Sequence[str], means: Means, *, repeat: int = 0
    ) -> list[Preferred]:
        """Compares two answers to each row, in both orders.

        Args:
            rows: each with an id of its own.
            first: answers, in the rows' order; what they drew on is shown as context.
            second: texts of other answers.
            means: what asking takes.
            repeat: which deliberate asking it is.
        """
        forward, backward = [
            await self._ask(rows, messages, means, repeat) for messages in self._orders(rows, first, second)
        ]
        return [_together(*each) for each in zip(forward, backward, strict=True)]

    def _asked_about(self, rows: Sequence[Row], answers: Sequence[Answer]) -> tuple[Messages, ...]:
        return self._orders(rows, answers, [row.reference for row in rows])

    def _orders(self, rows: Sequence[Row], first: Sequence[Answer], second: Sequence[str]) -> tuple[Messages, ...]:
        """Returns what is sent for a row, in each order."""
        pairs = {row.id: pair for row, pair in zip(rows, zip(first, second, strict=True), strict=True)}

        def messages(row: Row, *, turned: bool) -> tuple[Message, ...]:
            answer, other = pairs[row.id]
            texts = {name: text for name, text in material_of(row, answer).items() if name not in _IN_PLACES}
            places = (other, answer.text) if turned else (answer.text, other)
            return self.messages({**texts, "first": places[0], "second": places[1]})

        return partial(messages, turned=False), partial(messages, turned=True)


def _together(forward: Said, backward: Said) -> Preferred:
    for said in (forward, backward):
        if not isinstance(said, Reply):
            return said
    assert isinstance(forward, Reply)  # noqa: S101 told apart above
    assert isinstance(backward, Reply)  # noqa: S101
    one, other = _WORTH[str(forward.choice)], -_WORTH[str(backward.choice)]
    if one == other:
        return Preference(one, one, other, forward.reason)
    return Preference(0, one, other, f"a tie, as the orders disagree: {forward.reason} / {backward.reason}")
