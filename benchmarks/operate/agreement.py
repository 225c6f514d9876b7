"""Whether what is served, the alias and the last committed entry of the release log name the same candidate."""

import time

from benchmarks.operate.released import APP, World
from configs.errors import LifecycleError

_LOOK_EVERY_S = 0.2


def agree(world: World) -> bool:
    """Returns whether all three name one candidate, and no change is open; a part that is away says no."""
    from tasks.tracking.models import champion_version

    try:
        entries, committed = world.log.entries(), world.log.committed()
        if committed is None or entries[-1].open or champion_version(APP) != committed.version:
            return False
    except LifecycleError:
        return False
    return world.served() == committed.candidate


def agreed(world: World, within_s: float) -> float | None:
    """Returns the seconds until they agree, None where they do not in time."""
    began = time.monotonic()
    while not agree(world):
        if time.monotonic() - began > within_s:
            return None
        time.sleep(_LOOK_EVERY_S)
    return time.monotonic() - began
