"""Rates answers by a scorer of MLflow's, each in a thread; where a model judges, what it said is journaled."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from configs.errors import LifecycleError
from tasks.calling.answer import Answer, Usage
from tasks.calling.failures import CallFailure, FailureKind
from tasks.calling.pricing import expected_tokens, price_needed, price_of
from tasks.data.row import Row
from tasks.identity import digest
from tasks.scoring.asked import Effort, Means, Rated
from tasks.scoring.score import Metric
from tasks.scoring.scorer import Need, Rating, lacking
from tasks.tracking.pointing import pointed
from tasks.tracking.scorer_trace import trace_of

if TYPE_CHECKING:
    from mlflow.genai.scorers import Scorer as MlflowScorer

_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class MlflowRating:
    """One of MLflow's scorers, as an app configures it.

    Attributes:
        metric: as the configuration names it, from 0 (`no`) to 1 (`yes`).
        identity: name, the scorer's, MLflow's version, settings and what the model's name stands for.
        make: makes MLflow's own object: of other libraries' they keep what they have just judged, so that each answer
            needs its own.
        needs: the row's reference, where the scorer compares with it.
        adapted: whether it is another library's.
        model: name of the model that judges; "" where none does.
        environment: in which MLflow asks that model.
    """

    metric: Metric
    identity: str
    make: Callable[[], "MlflowScorer"]
    needs: frozenset[Need]
    adapted: bool
    model: str
    environment: Mapping[str, str]
    columns: tuple[str, ...] = ()

    @property
    def needs_labels(self) -> bool:
        """True where it compares with the reference."""
        return bool(self.needs - {"context"})

    def lacking(self, row: Row) -> str:
        """Returns what the row lacks to be rated."""
        return lacking(row, self.needs)

    async def effort(self, rows: Sequence[Row], answers: Sequence[Answer], means: Means) -> Effort:
        """Returns a call for each answer that the model has not rated before; only the texts' own tokens are known."""
        pairs = zip(rows, answers, strict=True)
        asked = [pair for pair in pairs if self.model and not means.journal.holds(self._key(*pair, means))]
        tokens = expected_tokens(text for row, answer in asked for text in (row.question, answer.text, row.reference))
        return Effort(self.model, len(asked), tokens)

    async def rate(self, rows: Sequence[Row], answers: Sequence[Answer], means: Means) -> Sequence[Rated]:
        """Rates answers, some at once, each in a thread."""
        async with pointed(self.environment):
            with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="mlflow-scorer") as pool:
                free = asyncio.Semaphore(_AT_ONCE)
                pairs = zip(rows, answers, strict=True)
                return await asyncio.gather(*(self._one(row, answer, means, pool, free) for row, answer in pairs))

    async def _one(
        self, row: Row, answer: Answer, means: Means, pool: ThreadPoolExecutor, free: asyncio.Semaphore
    ) -> Rated:
        async with free:
            try:
                if not self.model:
                    return (await self._said(row, answer, pool))[0]
                key = self._key(row, answer, means)
                async with means.journal.in_flight.alone([key]):
                    return await self._asked(key, row, answer, means, pool)
            except LifecycleError as failure:
                return failure
            except Exception as error:  # whatever a library of others raises is its failure on this row
                return self._failure(error)

    async def _asked(self, key: str, row: Row, answer: Answer, means: Means, pool: ThreadPoolExecutor) -> Rated:
        """Rates with a model, or finds what it said before."""
        if (known := means.journal.get(key, row.user)) is not None:
            return Rating(*known["rating"])
        price = price_needed(means.loaded, self.model)
        with means.spend.request() as bill:
            rating, usage = await self._said(row, answer, pool)
            bill.usage, bill.price = usage, price_of(usage, price)
        record = {"rating": list(rating), "usage": list(usage)}
        means.journal.put(key, means.epoch, self.model, record, "chat", row.user)
        return rating

    def _key(self, row: Row, answer: Answer, means: Means) -> str:
        context = [list(passage) for passage in answer.context]
        said = [[list(message) for message in row.messages], answer.text, row.reference, context]
        return digest(["mlflow", self.identity, said, means.epoch])

    async def _said(self, row: Row, answer: Answer, pool: ThreadPoolExecutor) -> tuple[Rating, Usage]:
        given = _arguments(row, answer, adapted=self.adapted)
        found = await asyncio.get_running_loop().run_in_executor(pool, lambda: self.make().run(**given))
        feedbacks = found if isinstance(found, list) else [found]
        if not feedbacks:
            raise CallFailure(FailureKind.CODE, f"{self.metric.name}: gave no judgement")
        values = [self._value(each) for each in feedbacks]
        why = "; ".join(text for each in feedbacks if (text := str(getattr(each, "rationale", None) or "")))
        return Rating(sum(values) / len(values), why), _usage(feedbacks)

    def _value(self, feedback: Any) -> float:
        """Returns a judgement as a number."""
        error = getattr(feedback, "error", None)
        if error is not None:
            raise CallFailure(FailureKind.CODE, self._harmless(getattr(error, "error_message", None) or str(error)))
        value = getattr(feedback, "value", feedback)
        if isinstance(value, str):
            if value not in ("yes", "no"):
                raise CallFailure(FailureKind.CODE, f"{self.metric.name}: said {value!r}, allowed are yes and no")
            return float(value == "yes")
        if isinstance(value, bool | int | float):
            return float(value)
        raise CallFailure(FailureKind.CODE, f"{self.metric.name}: said {value!r}, allowed are yes, no and numbers")

    def _failure(self, error: Exception) -> CallFailure:
        return CallFailure(FailureKind.CODE, self._harmless(f"{type(error).__name__}: {error}"))

    def _harmless(self, text: str) -> str:
        """Returns a library's message, short and without the key."""
        key = self.environment.get("OPENAI_API_KEY", "")
        line = " ".join((text.replace(key, "***") if len(key) > 4 else text).split())
        return f"{self.metric.name}: {line if len(line) <= 300 else line[:299] + '…'}"


def _arguments(row: Row, answer: Answer, *, adapted: bool) -> dict[str, Any]:
    """Returns what MLflow hands to a scorer; of it, the scorer takes what it names."""
    turns = [message._asdict() for message in row.messages]
    expected = {"expected_response": row.reference} if row.reference.strip() else {}
    if adapted and expected:
        expected["expected_output"] = row.reference
    return {
        "inputs": {"question": row.question} if len(turns) == 1 else {"messages": turns},
        "outputs": answer.text,
        "expectations": expected or None,
        "trace": trace_of(row, answer),
    }


def _usage(feedbacks: Sequence[Any]) -> Usage:
    """Returns the tokens that MLflow counted; 0 where it did not."""
    said = [getattr(each, "metadata", None) or {} for each in feedbacks]
    read = sum(int(each.get("mlflow.assessment.judgeInputTokens") or 0) for each in said)
    return Usage(read, sum(int(each.get("mlflow.assessment.judgeOutputTokens") or 0) for each in said))
