"""Makes the candidate of a move, of whichever kind."""

from typing import TYPE_CHECKING

from configs.schema.augment import Move
from tasks.augmenting.recipe import augmented
from tasks.candidate import Candidate
from tasks.prompting.searching import searched as search_prompt
from tasks.retrieval.searching import searched as search_retrieval

if TYPE_CHECKING:
    from tasks.workspace import Workspace


async def made_by(workspace: "Workspace", base: Candidate, move: Move) -> Candidate:
    """Returns the candidate that a move makes of another; made before, it is found and not made again.

    Args:
        workspace: the app.
        base: the exploration's best, which gives what the move leaves as it is.
        move: what is changed; weights are fitted by a pipeline of their own.

    Raises:
        ConfigurationError: the target is not a prompt, or the move needs what the app does not have.
        LifecycleError: it could not be made; run again, it goes on where it stopped.
    """
    match move.kind:
        case "search_retrieval":
            return await search_retrieval(workspace, base, move)
        case "search_prompt":
            return await search_prompt(workspace, base, move)
    return await augmented(workspace, base, move)
