"""What a stage can do without MLflow goes on while MLflow is away."""

from collections.abc import Awaitable
from typing import TypeVar

from configs.errors import StackError

T = TypeVar("T")


async def though_away(work: Awaitable[T], otherwise: T, missed: list[StackError]) -> T:
    """Awaits work that needs MLflow, and returns what came of it.

    Args:
        work: what needs it.
        otherwise: returned where MLflow does not answer.
        missed: gets the error then; whoever goes on raises it at the end.
    """
    try:
        return await work
    except StackError as error:
        missed.append(error)
        return otherwise
