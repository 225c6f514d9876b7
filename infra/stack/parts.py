"""The six parts of the local stack: how each is started, where it answers and what it needs."""

import os
import sys
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from configs.errors import ConfigurationError
from configs.settings import Settings, settings
from infra.stack.environment import PART, process_environment, settings_environment

PART_NAMES = ("prefect", "mlflow", "chat", "embedding", "runner", "endpoint")


@dataclass(frozen=True, slots=True)
class Part:
    """One server of the local stack.

    Attributes:
        name: one of `PART_NAMES`.
        command: program and arguments.
        address: what a person or a client opens.
        port: port it listens on.
        port_setting: variable that sets the port.
        health_path: path that answers 200 once the part is ready.
        environment: variables beyond those inherited.
        needs: parts that must be ready before this one is started.
        stop_within_s: seconds it has to end what is under way.
    """

    name: str
    command: tuple[str, ...]
    address: str
    port: int
    port_setting: str
    health_path: str
    environment: dict[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    stop_within_s: int = 8


def parts(names: Collection[str] | None = None) -> tuple[Part, ...]:
    """Returns the parts that run on this machine: all but those for which the settings name a server elsewhere.

    Args:
        names: only these and those that they need; all where not given.

    Raises:
        ConfigurationError: a name is none of `PART_NAMES`.
    """
    unknown = sorted(set(names or ()) - set(PART_NAMES))
    if unknown:
        raise ConfigurationError(f"unknown part {unknown[0]!r}; known are {', '.join(PART_NAMES)}")
    local = _local_parts(settings())
    if names is None:
        return local
    needed = {need for part in local if part.name in names for need in part.needs}
    return tuple(part for part in local if part.name in names or part.name in needed)


def elsewhere() -> dict[str, str]:
    """Returns the addresses of the parts that run elsewhere, by name."""
    s = settings()
    found = {}
    if s.prefect_url:
        found["prefect"] = s.prefect_ui
    if s.mlflow_url:
        found["mlflow"] = s.mlflow_uri
    return found


def _local_parts(s: Settings) -> tuple[Part, ...]:
    remote = elsewhere()
    every = process_environment(s)
    all_settings = every | settings_environment(s)
    # Only what the models read: a change of anything else then leaves them running.
    model = every | settings_environment(s, "home", "host", "model_threads")
    servers = tuple(name for name in ("prefect", "mlflow") if name not in remote)
    found = (
        Part(
            name="prefect",
            command=_python("prefect", "server", "start", "--host", s.host, "--port", str(s.prefect_port)),
            address=s.prefect_ui,
            port=s.prefect_port,
            port_setting="LIFECYCLE_PREFECT_PORT",
            health_path="/api/health",
            # Without this, finished flow runs stay for ever.
            environment=every | {"PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs"},
        ),
        Part(
            name="mlflow",
            command=_mlflow_command(s),
            address=s.mlflow_uri,
            port=s.mlflow_port,
            port_setting="LIFECYCLE_MLFLOW_PORT",
            health_path="/health",
            # The job runner is eight more processes, for features that nothing here uses.
            environment=every | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", PART: "mlflow"},
        ),
        Part(
            name="chat",
            command=_python("infra.stack.embedded", "chat"),
            address=s.chat_url,
            port=s.chat_port,
            port_setting="LIFECYCLE_CHAT_PORT",
            health_path="/health",
            environment=model | settings_environment(s, "chat_port", "chat_slots", "chat_context"),
        ),
        Part(
            name="embedding",
            command=_python("infra.stack.embedded", "embedding"),
            address=s.embedding_url,
            port=s.embedding_port,
            port_setting="LIFECYCLE_EMBEDDING_PORT",
            health_path="/health",
            environment=model | settings_environment(s, "embedding_port"),
        ),
        Part(
            name="runner",
            command=_python("pipelines.deployments"),
            address=f"http://{s.host}:{s.runner_port}",
            port=s.runner_port,
            port_setting="LIFECYCLE_RUNNER_PORT",
            health_path="/health",
            environment=all_settings | _runner_environment(s),
            needs=tuple(name for name in ("prefect",) if name in servers),
        ),
        Part(
            name="endpoint",
            stop_within_s=40,
            command=_python("infra.cli.main", "serve", *_apps(s)),
            address=s.endpoint_url,
            port=s.endpoint_port,
            port_setting="LIFECYCLE_ENDPOINT_PORT",
            # Not /health: a champion that cannot be served is mended by releasing another, for which this must run.
            health_path="/live",
            environment=all_settings,
            needs=tuple(name for name in ("mlflow",) if name in servers),
        ),
    )
    return tuple(part for part in found if part.name not in remote)


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)


def _mlflow_command(s: Settings) -> tuple[str, ...]:
    folder = s.home.absolute() / "mlflow"
    return _python(
        "infra.stack.alone",
        *_python("mlflow"),
        "server",
        "--host",
        s.host,
        "--port",
        str(s.mlflow_port),
        "--workers",
        "1",
        "--backend-store-uri",
        f"sqlite:///{folder / 'mlflow.db'}",
        "--artifacts-destination",
        str(folder / "artifacts"),
    )


def _runner_environment(s: Settings) -> dict[str, str]:
    """Prefect's runner brings a health check of its own: it answers 200 once it has polled for work."""
    return {
        "PREFECT_RUNNER_SERVER_ENABLE": "true",
        "PREFECT_RUNNER_SERVER_HOST": s.host,
        "PREFECT_RUNNER_SERVER_PORT": str(s.runner_port),
    }


def _apps(s: Settings) -> tuple[str, ...]:
    """A path is made absolute: the endpoint may be restarted from another working folder."""
    names = (str(Path(name).absolute()) if os.sep in name else name for name in s.apps)
    return tuple(argument for name in names for argument in ("--app", name))
