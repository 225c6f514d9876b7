"""Starts a part once nothing of its earlier life runs any more: `python -m infra.stack.alone COMMAND …`.

MLflow's server is two processes. Where the one that is supervised dies alone, the other goes on to hold the port: the
part would be started anew for ever, and nobody would look after the one that answers.
"""

import contextlib
import os
import sys

import psutil

from infra.stack.environment import MARK, PART

_END_WITHIN_S = 5.0


def earlier() -> list[psutil.Process]:
    """Returns the other processes of this user that belong to this process's part of this process's stack."""
    own = psutil.Process()
    user, wanted = own.uids().real, (os.environ.get(MARK), os.environ.get(PART))
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process != own and process.uids().real == user and process.status() != psutil.STATUS_ZOMBIE:
                environment = process.environ()
                if (environment.get(MARK), environment.get(PART)) == wanted:
                    found.append(process)
    return found


def main() -> None:
    """Ends what is left of the part, and becomes its command."""
    if os.environ.get(PART):
        left = earlier()
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(left, _END_WITHIN_S)
    command = sys.argv[1:]
    os.execv(command[0], command)  # noqa: S606 what it was told to start


if __name__ == "__main__":
    main()
