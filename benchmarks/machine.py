"""Where a benchmark ran: the machine, and the versions of what was compared."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

import psutil


def machine() -> str:
    """Returns a line about this machine: cores, memory, system and Python."""
    cores, memory = os.cpu_count(), psutil.virtual_memory().total / 2**30
    python = f"Python {platform.python_version()}"
    return f"{cores} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}, {python}"


def today() -> str:
    """Returns the date in UTC, as ISO 8601."""
    return datetime.now(UTC).date().isoformat()


def versions(packages: Sequence[str]) -> dict[str, str]:
    """Returns the versions of Python packages; "not installed" for one that is not there."""
    return {package: _version(package) for package in packages}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
