"""What every configuration model has in common."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A configuration or value that never changes once made and refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
