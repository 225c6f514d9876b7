"""How weights are fitted to an app's training rows on this machine."""

from typing import Literal

from pydantic import Field

from configs.schema.augment import FineTune
from configs.schema.base import Frozen
from configs.schema.dataset import Split
from configs.schema.distillation import Distillation
from configs.schema.hosted import HostedTuning

Projection = Literal["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


class Lora(Frozen):
    """The low-rank weights that are added to the base's."""

    rank: int = Field(16, ge=1, le=256)
    """Rank of each pair of matrices."""
    alpha: float = Field(32, gt=0)
    """What they are added with is `alpha` / `rank`."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Share of their inputs left out at random while training."""
    targets: tuple[Projection, ...] = Field(
        ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"), min_length=1
    )
    """Projections of each layer that get a pair."""


class Finetune(Frozen):
    """How weights are fitted to the training rows (`datasets.train`), on this machine or by a provider's job."""

    base: str | None = None
    """What is trained: a model of kind `embedded`, or a folder in Hugging Face format, relative to `app.yaml`, of the
    weights that the candidate's own model serves. The candidate's model where not set."""
    documents: str | None = None
    """Documents that the training rows are about, where they are others than the app's, such as last year's
    catalogue: cut and found as the app's are. The app's own where not set."""
    unanswerable: float | None = Field(None, ge=0, le=1)
    """Share of training rows that the documents do not answer (`answerable` false); rows of the other kind are left
    out until it holds. As the file has it where not set."""
    distill: Distillation | None = None
    """A teacher's answers are what is learnt; the rows' references where not set."""
    hosted: HostedTuning | None = None
    """A provider's job instead of this machine. Of the keys beside it, those that say what is learnt count then:
    `documents`, `unanswerable`, `distill`, `held_out` and `seed`."""
    lora: Lora = Lora()
    """The weights that are added."""
    learning_rate: float = Field(1e-3, gt=0, le=1)
    """Its highest value."""
    warmup: float = Field(0.05, ge=0, le=1)
    """Share of the steps over which it rises from 0."""
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    """How it falls to 0 after that; `constant` does not."""
    batch: int = Field(8, ge=1, le=1024)
    """Rows of one forward pass."""
    accumulation: int = Field(1, ge=1, le=1024)
    """Forward passes whose gradients are added for one step."""
    steps: int | None = Field(None, ge=1, le=100_000)
    """Steps at most; `epochs` decides where not set."""
    epochs: float = Field(3, gt=0, le=1000)
    """How often each training row is seen at most."""
    held_out: float = Field(0.1, ge=0, lt=1)
    """Share of the rows, in whole clusters, that nothing is fitted to: their loss ends the training. 0 for none."""
    look_every: int = Field(10, ge=1)
    """Steps between two looks at the held-out rows; the weights of the best look are kept."""
    patience: int = Field(3, ge=1)
    """Looks worse than the best one, without a better one in between, after which the training ends. A look is worse
    where the loss of the held-out rows is above the best look's by more than one standard error of that difference,
    row by row: with few rows the rest is noise."""
    packing: bool = True
    """One sequence a batch: no padding, and what several prompts of a batch begin with in common is computed once. The
    gradients are the same without it."""
    prefix_group: int = Field(4, ge=1, le=1024)
    """Rows at most that go through each epoch together because their prompts begin alike, such as those about one
    document: the more, the less is computed, and the less a step's rows differ. 1 shuffles row by row."""
    dtype: Literal["auto", "bf16", "fp32"] = "auto"
    """Numbers that matrices are multiplied in; `auto` is bf16 where the processor or the GPU multiplies it itself."""
    seed: int = Field(7, ge=0)
    """Decides the weights at the start, the held-out clusters and the order of rows."""
    checkpoint_every: int = Field(10, ge=1)
    """Steps between two checkpoints, from which a training that was killed goes on."""
    max_tokens: int = Field(1024, ge=16, le=131_072)
    """Tokens of a row, its answer included, at most; not more than what serving takes."""

    @property
    def split(self) -> Split:
        """The dataset whose rows are learnt from."""
        return self.distill.split if self.distill else "train"

    def of(self, move: FineTune) -> "Finetune":
        """Returns these settings with what a move of `augment` sets itself."""
        said = {name: getattr(move, name) for name in ("steps", "learning_rate", "unanswerable", "seed")}
        changes = {name: value for name, value in said.items() if value is not None}
        if move.rank is not None:
            # The scale stays what it was, so that a rank is only a rank.
            scale = self.lora.alpha / self.lora.rank
            changes["lora"] = self.lora.model_copy(update={"rank": move.rank, "alpha": scale * move.rank})
        return self.model_copy(update=changes)
