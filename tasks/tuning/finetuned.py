"""A candidate whose model is fitted to the app's training rows, on this machine."""

from typing import TYPE_CHECKING

from configs.schema.augment import FineTune
from tasks.candidate import Candidate

if TYPE_CHECKING:
    from tasks.workspace import Workspace


async def finetuned(workspace: "Workspace", base: Candidate, move: FineTune) -> Candidate:
    """Returns the candidate that a fine-tuning move makes of another."""
    raise NotImplementedError
