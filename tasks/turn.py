"""A turn of the loop: what it was asked and which champion it began with.

A turn that is run again, after a crash or because somebody typed the command twice, compares with the champion it began
with, not with the one it released: so it takes the same decisions, and asks nothing twice.
"""

from pathlib import Path

from configs.loading import LoadedApp
from configs.schema.base import Frozen
from tasks.identity import digest
from tasks.writing import write_whole


class Turn(Frozen):
    """One turn of the loop over an app."""

    id: str
    baseline: str
    """Digest of the champion that the turn began with."""


def turn_id(loaded: LoadedApp, datasets: dict[str, str], explored: tuple[str, ...], epoch: str) -> str:
    """Names a turn by what it is asked.

    Args:
        loaded: the app; its configuration counts, but not what is done with what is served.
        datasets: digest of each dataset by name.
        explored: digests of the candidates that the exploration compared.
        epoch: round of asking.
    """
    afterwards = {"schedules", "monitor", "harvest", "guards", "alerts", "description"}
    configuration = loaded.app.model_dump(mode="json", exclude=afterwards)
    return digest([configuration, datasets, sorted(explored), epoch])


def open_turn(folder: Path, identity: str, champion: str) -> Turn:
    """Returns the turn of this name, which begins with `champion` where it is new.

    Args:
        folder: the app's folder in the results store.
        identity: the turn's name.
        champion: digest of the champion now.
    """
    file = folder / "turns" / f"{identity}.json"
    if file.is_file():
        return Turn.model_validate_json(file.read_text(encoding="utf-8"))
    turn = Turn(id=identity, baseline=champion)
    write_whole(file, turn.model_dump_json().encode())
    return turn
