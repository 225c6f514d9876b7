"""Imports what stands in a Python file of the user's: a target's function, a scorer."""

import importlib.util
import sys
import traceback
from pathlib import Path
from typing import Any

from configs.errors import ConfigurationError
from tasks.identity import digest


def import_name(path: Path, name: str, key: str) -> Any:
    """Returns what a Python file calls by a name; modules beside the file can be imported by it.

    Args:
        path: the file.
        name: of a function, or whatever is looked for.
        key: the key of `app.yaml` that names them, for the message.

    Raises:
        ConfigurationError: the file cannot be imported, or has no such name.
    """
    module_name = f"lifecycle_file_{digest(str(path.resolve()))}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise ConfigurationError(f"{path}: is no Python file; mend `{key}` in app.yaml")
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
        where = f"{path} line {line}" if line else str(path)
        raise ConfigurationError(f"{where}: cannot be imported: {type(error).__name__}: {error}") from None
    found = getattr(module, name, None)
    if found is None:
        raise ConfigurationError(f"{path}: has no function {name!r}; mend `{key}` in app.yaml")
    return found
