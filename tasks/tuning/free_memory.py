"""Memory that a training may take: the GPU's where one trains, else the machine's, or what its control group leaves."""

from pathlib import Path, PurePosixPath

import psutil

_ROOT = Path("/")
_NAMES = {
    "": ("sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
    "memory": ("sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}
"""Of both versions of control groups, by the controllers that a line of /proc/self/cgroup names: where groups are, what
a group may take, what it takes, and what of that the kernel gives back when it is needed."""


def free_memory_mb() -> float:
    """Returns megabytes that are free where is trained: on the first GPU, else for this process on the machine."""
    import torch

    if torch.cuda.is_available():
        return float(torch.cuda.mem_get_info(0)[0] / 1e6)
    return min(psutil.virtual_memory().available / 1e6, left_by_group_mb())


def left_by_group_mb(root: Path = _ROOT) -> float:
    """Returns megabytes that the control groups of this process leave it, infinite where none has a limit.

    Args:
        root: of the file system.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return float("inf")
    found = [float("inf")]
    for line in lines:
        _, controllers, path = line.split(":", 2)
        for controller in set(controllers.split(",")) & _NAMES.keys():
            folder, *names = _NAMES[controller]
            inside = PurePosixPath(path.strip("/"))
            # A group above may leave less; one that a container does not see is not there.
            found += [_left(root / folder / group, *names) for group in (inside, *inside.parents)]
    return min(found) / 1e6


def _left(group: Path, limit: str, usage: str, returned: str) -> float:
    try:
        most, taken = ((group / name).read_text(encoding="ascii").strip() for name in (limit, usage))
        if most == "max":
            return float("inf")
        stat = dict(line.split() for line in (group / "memory.stat").read_text(encoding="ascii").splitlines())
        return max(0.0, float(most) - float(taken) + float(stat.get(returned, 0)))
    except (OSError, ValueError):
        return float("inf")
