"""Runs MLflow as the local stack does, on a free port, and says where; ends when standard input does."""

import os
import signal
import sys

from benchmarks.ports import free_ports


def main() -> None:
    """Serves until standard input ends."""
    os.environ["LIFECYCLE_MLFLOW_PORT"] = str(free_ports(1)[0])
    from configs.settings import settings
    from infra.stack.supervision import running

    # A group that is ended as a whole must not leave the server, which is in none.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with running(["mlflow"]):
        print(settings().mlflow_uri, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
