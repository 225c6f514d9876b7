"""Where things run on this machine: folders, ports and addresses, from `LIFECYCLE_…` variables or `.env`."""

import os
from functools import cache
from pathlib import Path

from dotenv import load_dotenv
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from configs.errors import ConfigurationError
from configs.problems import problems


class Settings(BaseSettings):
    """Settings of one machine. Every field is an environment variable: `home` is `LIFECYCLE_HOME`, and so on."""

    model_config = SettingsConfigDict(env_prefix="LIFECYCLE_", frozen=True, extra="ignore", env_ignore_empty=True)

    home: Path = Field(Path(".lifecycle"), description="Folder that holds all state.")
    host: str = Field("127.0.0.1", description="Address the local servers listen on.")
    prefect_port: int = Field(4200, ge=1, le=65535, description="Port of the Prefect server and its UI.")
    mlflow_port: int = Field(5000, ge=1, le=65535, description="Port of the MLflow server and its UI.")
    chat_port: int = Field(8081, ge=1, le=65535, description="Port of the embedded chat model.")
    embedding_port: int = Field(8082, ge=1, le=65535, description="Port of the embedded embedding model.")
    endpoint_port: int = Field(8080, ge=1, le=65535, description="Port of the champion's endpoint.")
    runner_port: int = Field(8083, ge=1, le=65535, description="Port of the health check of the runner of deployments.")
    app: str = Field(
        "outfitter",
        description="Apps whose champions the local stack's endpoint serves, with commas between: names or paths.",
    )
    prefect_url: str | None = Field(
        None, description="A Prefect server elsewhere, ending in /api; then none is started here."
    )
    mlflow_url: str | None = Field(None, description="An MLflow server elsewhere; then none is started here.")
    chat_slots: int = Field(4, ge=1, le=64, description="Requests the embedded chat model answers at once.")
    chat_context: int = Field(1024, ge=256, le=8192, description="Tokens of context of one of those requests.")
    chat_adapters: int = Field(
        4, ge=1, le=32, description="Fine-tuned adapters the embedded chat model holds at once; champions' always."
    )
    model_threads: int = Field(
        default_factory=lambda: max(1, min(8, os.cpu_count() or 1)),
        ge=1,
        le=64,
        description="Threads of an embedded model.",
    )
    endpoint_at_once: int = Field(
        512, ge=1, le=65536, description="Requests the champion's endpoint answers at once; more get 429."
    )
    endpoint_wait_s: float = Field(
        30, gt=0, description="Seconds that a request waits for its turn at the model; then it gets 503."
    )
    api_key: SecretStr | None = Field(
        None, description="Where set, the champion's endpoint answers only with this key, or one of `lifecycle keys`."
    )

    @property
    def apps(self) -> tuple[str, ...]:
        """Names or paths of the apps that the local stack's endpoint serves."""
        return tuple(name.strip() for name in self.app.split(",") if name.strip())

    @property
    def prefect_api(self) -> str:
        """Address of the Prefect API, without a slash at the end."""
        return (self.prefect_url or f"http://{self.host}:{self.prefect_port}/api").rstrip("/")

    @property
    def prefect_ui(self) -> str:
        """Address of the Prefect UI."""
        return self.prefect_api.removesuffix("/api")

    @property
    def mlflow_uri(self) -> str:
        """Address of the MLflow server and its UI."""
        return (self.mlflow_url or f"http://{self.host}:{self.mlflow_port}").rstrip("/")

    @property
    def chat_url(self) -> str:
        """OpenAI-compatible base address of the embedded chat model."""
        return f"http://{self.host}:{self.chat_port}/v1"

    @property
    def embedding_url(self) -> str:
        """OpenAI-compatible base address of the embedded embedding model."""
        return f"http://{self.host}:{self.embedding_port}/v1"

    @property
    def endpoint_url(self) -> str:
        """OpenAI-compatible base address of the champion's endpoint."""
        return f"http://{self.host}:{self.endpoint_port}/v1"

    def folder(self, *parts: str) -> Path:
        """Returns the absolute path of a folder under `home`, which it creates where it is missing.

        Raises:
            ConfigurationError: it cannot be created.
        """
        path = self.home.absolute().joinpath(*parts)
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"folder {path} cannot be created: {error.strerror}; mend it, or set LIFECYCLE_HOME to another folder"
            ) from None
        return path


@cache
def settings() -> Settings:
    """Returns this process's settings, read once; `.env` in the working folder is read first.

    Raises:
        ConfigurationError: a variable has a value that is not allowed.
    """
    load_dotenv(Path(".env"), override=False)
    try:
        return Settings()
    except ValidationError as error:
        first = problems(error, {}, Settings.model_json_schema())[0]
        raise ConfigurationError(
            f"setting LIFECYCLE_{first.key.upper()}: {first.text}; mend it in the environment or in .env"
        ) from None
