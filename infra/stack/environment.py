"""Environment variables of every process that belongs to the stack or talks to it."""

from pathlib import Path

from configs.settings import Settings

MARK = "LIFECYCLE_STACK"
"""Variable that every process of a stack carries; its value is the stack's home."""

PART = "LIFECYCLE_PART"
"""Variable that the processes of a part carry that is started alone; its value is the part's name."""

TELEMETRY_OFF = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_MODEL_CATALOG_URI": "",
}


def client_environment(s: Settings) -> dict[str, str]:
    """Returns what a process needs to find Prefect and MLflow, and to tell nobody outside.

    Prefect and MLflow read their variables when they are imported: set these before.
    """
    return TELEMETRY_OFF | {
        "PREFECT_HOME": str(s.home.absolute() / "prefect"),
        "PREFECT_API_URL": s.prefect_api,
        # The automation that crashes zombie runs counts on it; 30 is the least that Prefect allows.
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
        # What the pipelines say in words stands in the log of their run.
        "PREFECT_LOGGING_EXTRA_LOGGERS": "lifecycle",
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
        "MLFLOW_TRACKING_URI": s.mlflow_uri,
    }


def process_environment(s: Settings) -> dict[str, str]:
    """Returns the variables of every process of the stack."""
    return client_environment(s) | {MARK: mark(s)}


def mark(s: Settings) -> str:
    """Returns the value of `MARK` for this home, however it was written."""
    return str(Path(s.home).resolve())


def settings_environment(s: Settings, *names: str) -> dict[str, str]:
    """Returns these settings, or all of them, as variables; secret ones are inherited instead and written nowhere."""
    values = s.model_dump(mode="json", exclude={"api_key"}) | {"home": str(s.home.absolute())}
    return {f"LIFECYCLE_{name.upper()}": "" if values[name] is None else str(values[name]) for name in names or values}
