"""The command `lifecycle`, forked from a process that has imported what it imports: `python preloaded_command.py`.

Reads one JSON object a line: `arguments`, `environment`, `timeout` in seconds, and the files that `stdout` and `stderr`
go to. For each it writes the command's exit status on a line, once it has ended. Importing takes seconds, and the tests
run the command a hundred times.
"""

import atexit
import importlib
import json
import os
import signal
import sys
import threading

from configs.settings import settings
from infra.cli import run
from infra.cli.main import main
from infra.stack.environment import client_environment

_IMPORTED = (
    "great_expectations.expectations",
    "infra.cli.summary",
    "infra.stack.supervision",
    "matplotlib.pyplot",
    "mlflow.artifacts",
    "mlflow.genai",
    "openai.resources.chat",
    "pandas",
    "prefect.artifacts",
    "prefect.automations",
    "prefect.flow_engine",
    "prefect.task_engine",
    "presidio_analyzer.predefined_recognizers",
    "profanity_check.profanity_check",
    "pyarrow.parquet",
    "tasks.checking",
)


def _import_all():
    # Prefect reads its settings when it is imported.
    os.environ.update(client_environment(settings()), PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL="CRITICAL")
    for name in _IMPORTED:
        importlib.import_module(name)
    importlib.import_module("pipelines.deployments").stages()
    _follow_the_environment()


def _follow_the_environment():
    """Has Prefect read its settings again where the command names its servers: usually it is imported only then."""
    from prefect.context import refresh_global_settings_context

    name_servers = run._quiet

    def named():
        name_servers()
        refresh_global_settings_context()

    run._quiet = named


def _become(request):
    os.environ.clear()
    os.environ.update(request["environment"])
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(request[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Nobody handles it: a command that takes too long is killed.
    signal.alarm(request["timeout"])
    settings.cache_clear()
    sys.argv = ["lifecycle", *request["arguments"]]
    _end(_status())


def _status():
    """Runs the command; returns the status that it ends with, None for 0, as Python has it."""
    try:
        main()
    except SystemExit as ended:
        return ended.code
    return None


def _end(status):
    """Ends the process as Python does, but for freeing what was imported, which takes longer than many a command."""
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status or 0)


def _serve():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _become(json.loads(line))
            return
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


_import_all()
_serve()
