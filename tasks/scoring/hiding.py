"""Imports a library as if another one, which it would load for what is not used of it, were not installed."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def hidden(*names: str) -> Iterator[None]:
    """Makes modules as good as not installed, those but that are loaded already; no other thread can import them then.

    Args:
        names: of the modules.
    """
    unloaded = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(unloaded))  # type: ignore[arg-type]  # None: cannot be imported
    try:
        yield
    finally:
        for name in unloaded:
            del sys.modules[name]
