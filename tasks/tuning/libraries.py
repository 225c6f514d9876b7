"""What fine-tuning is done with, and whether it is installed."""

import os
from importlib.util import find_spec

from configs.errors import ConfigurationError

_NEEDED = ("torch", "transformers", "peft")


def check_libraries() -> None:
    """Refuses to fine-tune where the extra `finetune` is not installed, and settles how it shares the processor.

    Raises:
        ConfigurationError: names what is missing, and how to install it.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"fine-tuning needs {' and '.join(missing)}, which the extra `finetune` brings: "
            f"run `make .venv/installed-finetune`, or leave moves of kind `finetune` out"
        )
    # Read when torch is loaded. Its threads wait for each other thousands of times a step: awake, they take the cores
    # from whatever else the machine does, and from each other.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
