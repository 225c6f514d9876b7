"""Cards of models that a provider has tuned: what each was made of, which the provider's own name does not say."""

from pathlib import Path

from pydantic import ValidationError

from tasks.candidate import HostedModel
from tasks.identity import digest
from tasks.tuning.adapters import Card
from tasks.tuning.hosted.tuning import FOLDER
from tasks.writing import write_whole


def keep_card(home: Path, card: Card) -> None:
    """Keeps a model's card, in place of one that another candidate's fine-tune has left.

    Args:
        home: folder of all state.
        card: its `digest` is that of the candidate's adapter.

    Raises:
        DataError: the disk is full or refuses to be written.
    """
    write_whole(_file(home, card.digest), card.model_dump_json(indent=1).encode())


def kept_card(home: Path, model: HostedModel) -> Card | None:
    """Returns a model's card, None where there is none on this machine, or none that can be read."""
    try:
        return Card.model_validate_json(_file(home, digest(model)).read_bytes())
    except (OSError, ValidationError):
        return None


def _file(home: Path, name: str) -> Path:
    return home / FOLDER / "cards" / f"{name}.json"
