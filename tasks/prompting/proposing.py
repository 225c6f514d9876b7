"""A capable model proposes instructions: asked through the engine, so that journal, budget and limits hold for it."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from configs.errors import ConfigurationError, DataError
from configs.loading import LoadedApp
from configs.schema.app import Parameters
from configs.schema.augment import SearchPrompt
from configs.schema.target import PromptTarget
from tasks.calling.answer import Answer, Outcome
from tasks.calling.asking import ask
from tasks.calling.endpoint import endpoint_model
from tasks.candidate import Candidate, Prompt, TemplateMessage
from tasks.data.row import Message, Row
from tasks.evaluating.under_way import how_asked
from tasks.progress import say
from tasks.prompting.prompty import read_prompty
from tasks.prompting.render import names_in

if TYPE_CHECKING:
    from tasks.workspace import Workspace

_PROMPT = Path(__file__).parent / "prompts" / "propose.prompty"
SHOWN = 8
"""Solved rows that a proposer is shown at most."""


class Proposal(NamedTuple):
    """An instruction, and the one that it was made of; the prompt's own where that is not said."""

    text: str
    made_of: str | None = None


def check_proposer(loaded: LoadedApp, move: SearchPrompt) -> None:
    """Refuses a proposer that cannot propose.

    Raises:
        ConfigurationError: it is no chat model that the app knows, or the embedded one, or what it needs is not
            installed.
    """
    if move.proposer is None:
        return
    where = f"{loaded.folder / 'app.yaml'}: the move {move.name!r} of `augment`: proposer {move.proposer!r}"
    model = loaded.models.get(move.proposer)
    if model is None or model.task != "chat":
        raise ConfigurationError(f"{where} is no chat model of configs/models.yaml or the app's models.yaml; define it")
    if model.kind == "embedded":
        raise ConfigurationError(
            f"{where} is the embedded model, which is too small to write instructions; "
            f"name a capable one, or leave `proposer` out and write `instructions`"
        )
    if move.by == "gepa" and find_spec("gepa") is None:
        raise ConfigurationError(
            f"{where} is to propose by gepa, which is not installed; install the extra: pip install -e '.[optimize]'"
        )


def instruction_of(prompt: Prompt) -> str:
    """Returns the template of a prompt's first system message, "" where it begins with none."""
    first = prompt.messages[0]
    return first.template if first.role == "system" else ""


def with_instruction(prompt: Prompt, instruction: str) -> Prompt:
    """Returns a prompt with another first system message; the next version of it, so without a number yet."""
    rest = prompt.messages[1:] if prompt.messages[0].role == "system" else prompt.messages
    first = TemplateMessage(role="system", template=instruction)
    return prompt.model_copy(update={"messages": (first, *rest), "version": None})


def usable(instruction: str, instead_of: str) -> bool:
    """Returns whether a proposed instruction is a template with just the variables of the one it stands in for."""
    try:
        return bool(instruction) and names_in(instruction, "proposal") == names_in(instead_of, "prompt")
    except DataError:
        return False


async def proposed(
    workspace: "Workspace", move: SearchPrompt, prompt: Prompt, solved: Sequence[Row], demands: str
) -> tuple[Proposal, ...]:
    """Asks the proposer for instructions in place of a prompt's; each once, those that are no use left out.

    Args:
        workspace: the app; its ledger is the search's.
        move: names the proposer.
        prompt: the one it improves on.
        solved: rows with references that it may see: those that may be shown, never those that are scored.
        demands: what answers are measured by, a line each.

    Raises:
        ConfigurationError: the proposer cannot be asked: it has no price, or its key is missing.
    """
    if move.proposer is None:
        return ()
    now = instruction_of(prompt)
    about = {
        "description": workspace.loaded.app.description,
        "instruction": now or "(none)",
        "demands": demands,
        "solved": "\n\n".join(f"{row.question}\n→ {row.reference}" for row in solved) or "(none)",
    }
    rows = [
        Row(f"proposal-{number}", (Message("user", str(number)),), columns={**about, "number": str(number)})
        for number in range(1, move.proposals + 1)
    ]
    said: dict[int, Answer] = {}

    async def told(position: int, _: Row, answer: Answer) -> None:
        said[position] = answer

    asked = proposer(workspace.loaded, move, read_prompty(_PROMPT).prompt)
    await ask(asked, rows, told, **how_asked(workspace, asked))
    texts = [said[at].text.strip() for at in sorted(said) if said[at].outcome is Outcome.OK]
    found = tuple(dict.fromkeys(text for text in texts if usable(text, now)))
    lacking = next((answer.cause for answer in said.values() if answer.outcome is not Outcome.OK), "")
    say(f"{move.proposer} proposed {len(found)} instructions of {len(rows)}" + (f": {lacking}" if lacking else ""))
    return tuple(Proposal(text) for text in found)


def proposer(loaded: LoadedApp, move: SearchPrompt, prompt: Prompt) -> Candidate:
    """Returns a move's proposer with a prompt of ours, as it is asked."""
    name = str(move.proposer)
    return Candidate(
        app=loaded.app.name,
        target=PromptTarget(kind="prompt"),
        prompt=prompt,
        model=name,
        endpoint_model=endpoint_model(name, loaded.models[name]),
        parameters=Parameters(name="proposing", temperature=1.0, max_tokens=1024, seed=move.seed),
    )
