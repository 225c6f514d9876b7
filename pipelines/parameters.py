"""Parameters that several forms share: their kinds, ranges and choices."""

from typing import Annotated, Literal

from pydantic import Field

App = Annotated[str, Field(min_length=1)]
Data = Literal["sample", "full", "redteam", "production"]
Epoch = Literal["current", "new"]
Changes = list[str]
Address = Annotated[str | None, Field(pattern=r"^https?://[^@?#\s]+$")]
ModelName = Annotated[str | None, Field(min_length=1)]
CandidateName = Annotated[str, Field(pattern=r"^(latest|best|champion|[0-9a-f]{4,16})$")]
