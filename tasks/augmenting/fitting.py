"""Which change fits a cause, and which of those is tried next: the cheapest."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from configs.schema.augment import Move
from tasks.augmenting.causes import CAUSES, Cause

_COST = ("recipe", "search_retrieval", "search_prompt", "finetune")
"""Kinds of moves, the cheapest first: nothing is asked, retrieval is, models are, weights are trained."""


class Choice(NamedTuple):
    """The move that is tried next, and why."""

    move: Move
    why: str


def mends(move: Move) -> frozenset[Cause]:
    """Returns the causes that a move may do something about, by what it changes."""
    match move.kind:
        case "search_retrieval":
            return frozenset({"retrieval", "knowledge"})
        case "search_prompt":
            return frozenset({"context", "format", "refusal"})
        case "finetune":
            return frozenset({"context", "format", "refusal", "knowledge"})
    found: set[Cause] = set()
    if move.top_k:
        found |= {"retrieval", "knowledge"}
    if move.statements:
        found.add("context")
    if move.prompt or move.meta_prompt or move.examples:
        found |= {"context", "format", "refusal"}
    return frozenset(found)


def next_move(moves: Sequence[Move], tried: Collection[str], causes: Sequence[tuple[Cause, int]]) -> Choice | None:
    """Returns what to try next; None where everything has been tried.

    Of the moves that fit the most frequent cause the cheapest, in their own order where they cost the same; where none
    fits it, those of the next cause; where none fits any, the cheapest there is.

    Args:
        moves: as they are configured.
        tried: names of those that need not be tried again.
        causes: causes with how many rows failed by each, in any order; () where nothing is known.
    """
    left = sorted((move for move in moves if move.name not in tried), key=lambda move: _COST.index(move.kind))
    if not left:
        return None
    total = sum(rows for _, rows in causes)
    unfair = dict(causes).get("scorer", 0)
    beside = f"; {unfair} of {total} would fail with their own reference: mend those or the scorer" if unfair else ""
    for cause, rows in sorted(causes, key=lambda each: -each[1]):
        if fitting := next((move for move in left if cause in mends(move)), None):
            why = f"{rows} of {total} looked at: {CAUSES[cause]}; the cheapest change for that is {fitting.name}"
            return Choice(fitting, f"{why}{beside}")
    why = "no move fits the causes" if causes else "nothing is known of the causes"
    return Choice(left[0], f"{why}; the cheapest that is left is {left[0].name}{beside}")
