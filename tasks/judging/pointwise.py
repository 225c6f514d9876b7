"""A judge: a model that rates answers by a rubric. It counts for nothing until it has been compared with people."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from configs.schema.app import Parameters
from tasks.calling.answer import Answer
from tasks.candidate import Prompt
from tasks.data.row import Message, Row
from tasks.identity import digest
from tasks.judging.asking import Messages, Said, ask_judge, judge_effort
from tasks.judging.calibration import Calibration, fitness
from tasks.judging.criteria import Criterion
from tasks.judging.material import MATERIAL, code_of, fenced, material_of, with_rules
from tasks.judging.reply import Reply, ReplyForm, score_form
from tasks.prompting.render import names_in, render, variables
from tasks.scoring.asked import Effort, Means, Rated
from tasks.scoring.score import Metric
from tasks.scoring.scorer import Need, Rating

if TYPE_CHECKING:
    from tasks.results.store import Store

_EXPRESSION = re.compile(r"\{\{.*?\}\}")


@dataclass(frozen=True)
class Judge:
    """A model that rates an answer by itself.

    Attributes:
        name: of the metric.
        criterion: what is rated, and on which scale.
        prompt: its rubric, and which texts it reads.
        model: name of its model.
        endpoint: what that name stands for.
        parameters: with which it is asked.
    """

    name: str
    criterion: Criterion
    prompt: Prompt
    model: str
    endpoint: str
    parameters: Parameters

    @property
    def rated_texts(self) -> frozenset[str]:
        """What its prompt must show: of an answer the text, or for retrieval what was found."""
        return frozenset({"context" if self.criterion.name == "retrieval" else "answer"})

    @property
    def form(self) -> ReplyForm:
        """How it answers."""
        return score_form(self.criterion.low, self.criterion.high)

    @cached_property
    def version(self) -> str:
        """Names all that decides what it says: prompt, rules, scale, model and parameters. Another is another judge."""
        parameters = self.parameters.model_dump(mode="json", exclude={"name"})
        rules = with_rules((), "", self.form.in_words)
        scale = [self.criterion.low, self.criterion.high, self.criterion.direction]
        return digest([self.prompt.digest, rules, scale, self.endpoint, parameters, self.form.response_format])

    @property
    def metric(self) -> Metric:
        """What its number means; the metric's version is the judge's."""
        what = self.criterion
        return Metric(
            self.name, what.dimension, what.direction, self.version, what.description, float(what.low), float(what.high)
        )

    @cached_property
    def shows(self) -> frozenset[str]:
        """The texts that its prompt puts before it."""
        where = f"prompt {self.prompt.name}"
        return frozenset().union(*(names_in(message.template, where) for message in self.prompt.messages))

    @property
    def needs(self) -> frozenset[Need]:
        """What its prompt cannot do without."""
        found = variables(self.prompt)
        needs: set[Need] = {"reference"} if "reference" in found else set()
        return frozenset(needs | ({"context"} if "context" in found else set()))

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the dataset that its prompt cannot do without."""
        return tuple(sorted(variables(self.prompt) - MATERIAL))

    @property
    def needs_labels(self) -> bool:
        """True where it needs what only a labelled row has."""
        return bool(self.columns or self.needs - {"context"})

    @property
    def identity(self) -> str:
        """Its name and its version, which names all the rest."""
        return f"{self.name}:{self.version}"

    def lacking(self, row: Row) -> str:
        """Returns what the row lacks to be rated, in words; "" where it lacks nothing."""
        if "reference" in self.needs and not row.reference.strip():
            return "the row has no reference"
        missing = next((column for column in self.columns if row.columns.get(column) in (None, "", [], {})), None)
        return f"the row has no {missing}" if missing else ""

    def fitness(self, store: "Store") -> Calibration | None:
        """Returns how exactly this version compares with people; None where that was not measured: it is unfit."""
        return fitness(store, self.version)

    @property
    def swapped_texts(self) -> tuple[str, str] | None:
        """The two texts whose places can be exchanged to see whether their order matters; None where there are none.

        They can be where the prompt leaves it to the lines around a text to say which it is.
        """
        others = [name for name in ("reference", "context") if name in self.shows]
        placed = "".join(message.template for message in self.prompt.messages if message.role != "system")
        if "answer" not in self.shows or not others or _EXPRESSION.sub("", placed).strip():
            return None
        return "answer", others[0]

    async def rate(self, rows: Sequence[Row], answers: Sequence[Answer], means: Means) -> Sequence[Rated]:
        """Rates answers, all of them `ok`; returns what each came to, in their order.

        A reply that cannot be read, twice, is an error: the instrument failed, and nobody gets a zero for that.
        """
        return await self.rate_again(rows, answers, means)

    async def effort(self, rows: Sequence[Row], answers: Sequence[Answer], means: Means) -> Effort:
        """Returns a call for each answer that was not judged before, and its tokens."""
        asked = self._asked_about(rows, answers)
        return await judge_effort(
            rows, asked, model=self.model, parameters=self.parameters, form=self.form, means=means
        )

    async def rate_again(
        self,
        rows: Sequence[Row],
        answers: Sequence[Answer],
        means: Means,
        *,
        repeat: int = 0,
        swapped: bool = False,
    ) -> list[Rated]:
        """Rates answers as `rate` does, deliberately once more.

        Args:
            rows: each with an id of its own.
            answers: in the rows' order.
            means: what asking takes.
            repeat: which time it is; 0 is what `rate` asks.
            swapped: with the two `swapped_texts` in each other's place.
        """
        given = dict(zip((row.id for row in rows), answers, strict=True))
        asked = [row for row in rows if given[row.id].context or "context" not in self.needs]

        def messages(row: Row) -> tuple[Message, ...]:
            return self.messages(material_of(row, given[row.id]), swapped=swapped)

        said = await self._ask(asked, messages, means, repeat)
        found = {row.id: self._rated(each) for row, each in zip(asked, said, strict=True)}
        return [found.get(row.id, Rating(None, "the answer drew on no context")) for row in rows]

    def messages(self, texts: Mapping[str, str], *, swapped: bool = False) -> tuple[Message, ...]:
        """Returns what the model is sent: the rubric and the rules, and the texts as data.

        Args:
            texts: what may be shown, by name; of them only what the prompt names is.
            swapped: with the two `swapped_texts` in each other's place.

        Raises:
            DataError: the prompt cannot be filled.
        """
        shown = {name: text for name, text in texts.items() if name in self.shows}
        code = code_of(shown)
        values = {name: fenced(name, text, code) for name, text in shown.items()}
        if swapped and self.swapped_texts is not None:
            first, second = self.swapped_texts
            values[first], values[second] = values[second], values[first]
        question = values.get("question") or fenced("question", texts["question"], code)
        return with_rules(render(self.prompt, values, (Message("user", question),)), code, self.form.in_words)

    def _asked_about(self, rows: Sequence[Row], answers: Sequence[Answer]) -> tuple[Messages, ...]:
        """Returns what `rate` sends for a row, each time that it asks about it."""
        given = dict(zip((row.id for row in rows), answers, strict=True))
        return (lambda row: self.messages(material_of(row, given[row.id])),)

    async def _ask(
        self, rows: Sequence[Row], messages_of: Callable[[Row], tuple[Message, ...]], means: Means, repeat: int
    ) -> list[Said]:
        return await ask_judge(
            rows,
            messages_of,
            model=self.model,
            parameters=self.parameters,
            form=self.form,
            means=means,
            judge=self.version,
            repeat=repeat,
        )

    def _rated(self, said: Said) -> Rated:
        return Rating(float(said.choice), said.reason) if isinstance(said, Reply) else said
