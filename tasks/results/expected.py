"""What asking a dataset was expected to take."""

from configs.schema.base import Frozen


class Expected(Frozen):
    """What asking a dataset is expected to take, said before it begins; what is not known is None."""

    calls: int
    """Calls at most: rows that the journal is known to answer are left out."""
    input_tokens: int | None = None
    output_tokens: int | None = None
    price: float | None = None
    """US dollars."""
    seconds: float | None = None

    def __str__(self) -> str:
        parts = [f"{self.calls} calls"]
        if self.input_tokens is not None and self.output_tokens is not None:
            parts.append(f"{self.input_tokens} tokens in, {self.output_tokens} out")
        if self.price is not None:
            parts.append(f"${self.price:.4f}")
        if self.seconds is not None:
            parts.append(f"{self.seconds:.0f} s")
        return ", ".join(parts)
