"""Whom a candidate's calls ask: its model, or what a provider has made of it."""

from configs.errors import ConfigurationError
from configs.schema.model import ModelConfig
from tasks.candidate import Adapter


def asked_model(model: ModelConfig, adapter: Adapter | None) -> ModelConfig:
    """Returns a candidate's model as it is asked; of one that a provider has tuned, under the tuned model's name.

    It is what journal keys are made of, so that answers of a model and of what was made of it are never mixed up. Key,
    address and limits stay the model's.

    Raises:
        ConfigurationError: a provider's model was made of one that is at no provider's any more.
    """
    if adapter is None or adapter.kind != "hosted":
        return model
    if model.kind != "openai":
        raise ConfigurationError(
            f"{adapter.model} was tuned by a provider, and its model is now of kind `{model.kind}`; restore it in "
            f"models.yaml"
        )
    return model.model_copy(update={"model": adapter.model})
