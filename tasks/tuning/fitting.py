"""The model while it is fitted: base and low-rank weights, the loss of a batch, and the weights as they are kept.

Imported only where something is trained: it needs torch.
"""

import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch.nn.functional import cross_entropy

from configs.schema.finetune import Finetune
from tasks.tuning import attention
from tasks.tuning.base import Base, load_base
from tasks.tuning.packing import Batch, moved, packed, padded
from tasks.tuning.tokens import Tokens

if TYPE_CHECKING:
    from peft import PeftModel

Weights = dict[str, torch.Tensor]
"""Low-rank weights by peft's names, on the CPU."""


def device_of() -> torch.device:
    """Returns where is trained: the first GPU, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def dtype_of(settings: Finetune, device: torch.device) -> torch.dtype:
    """Returns what matrices are multiplied in; see `Finetune.dtype`.

    Measured on a CPU without instructions for bf16: five times slower than fp32.
    """
    if settings.dtype != "auto":
        return torch.bfloat16 if settings.dtype == "bf16" else torch.float32
    if device.type == "cuda":
        has = torch.cuda.is_bf16_supported()
    else:
        has = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if has else torch.float32


class Fitting:
    """A base with low-rank weights that are being fitted.

    Args:
        base: which.
        settings: how; the seed decides the low-rank weights.

    Attributes:
        dtype: what matrices are multiplied in.
        weights: what is fitted, as torch's parameters.

    Raises:
        ConfigurationError: the base cannot be read.
    """

    def __init__(self, base: Base, settings: Finetune) -> None:
        from peft import LoraConfig, get_peft_model

        attention.register()
        self._device = device_of()
        self.dtype = dtype_of(settings, self._device)
        self._settings = settings
        model, self.tokenizer = load_base(base, self.dtype, attention.NAME)
        torch.manual_seed(settings.seed)
        lora = settings.lora
        config = LoraConfig(
            r=lora.rank,
            lora_alpha=lora.alpha,
            lora_dropout=lora.dropout,
            target_modules=list(lora.targets),
            task_type="CAUSAL_LM",
        )
        self.config = config
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # peft reads what transformers is about to rename
            self._peft: PeftModel = get_peft_model(model, config).to(self._device)
        self._model: Any = model
        self._peft.train()
        self.weights = [each for each in self._peft.parameters() if each.requires_grad]

    @property
    def device(self) -> torch.device:
        """Where it is."""
        return self._device

    def backward(self, rows: Sequence[Tokens], over: int) -> float:
        """Adds the gradient of some rows, and returns their loss, summed over their answers' tokens.

        Args:
            rows: of one forward pass.
            over: tokens of answers that the step's loss is the mean over.
        """
        loss = self._loss(rows)
        (loss / over).backward()
        return float(loss.detach())

    def losses(self, rows: Sequence[Tokens]) -> tuple[float, ...]:
        """Returns the loss of each row, in their order, summed over its answer's tokens; nothing is fitted to them."""
        self._peft.eval()
        # Sorted, rows that begin alike meet in a batch; packing a batch keeps that order.
        alike = sorted(range(len(rows)), key=lambda place: rows[place].prompt)
        found = [0.0] * len(rows)
        with torch.no_grad():
            for at in range(0, len(alike), self._settings.batch):
                places = alike[at : at + self._settings.batch]
                part = [rows[place] for place in places]
                each = self._loss(part, "none").split([len(row.answer) for row in part])
                for place, loss in zip(places, torch.stack([tokens.sum() for tokens in each]).tolist(), strict=True):
                    found[place] = loss
        self._peft.train()
        return tuple(found)

    def best_tokens(self, row: Tokens) -> tuple[int, ...]:
        """Returns the token that the model thinks likeliest at each token of a row's answer, given those before it."""
        self._peft.eval()
        with torch.no_grad():
            logits = self._logits(self._batch([row]))
        self._peft.train()
        return tuple(logits.argmax(-1).tolist())

    def state(self) -> Weights:
        """Returns a copy of what is fitted."""
        from peft import get_peft_model_state_dict

        # Left to find out whether embeddings were fitted, peft would ask a hub for the base.
        found = get_peft_model_state_dict(self._peft, save_embedding_layers=False)
        return {name: each.detach().to("cpu", copy=True) for name, each in found.items()}

    def load(self, weights: Weights) -> None:
        """Takes up low-rank weights as `state` gives them."""
        from peft import set_peft_model_state_dict

        set_peft_model_state_dict(self._peft, weights)

    def _batch(self, rows: Sequence[Tokens]) -> Batch:
        padding = self.tokenizer.pad_token_id
        made = packed(rows) if self._settings.packing else padded(rows, self.tokenizer.eos_token_id or padding or 0)
        return moved(made, self._device)

    def _loss(self, rows: Sequence[Tokens], reduction: Literal["sum", "none"] = "sum") -> torch.Tensor:
        batch = self._batch(rows)
        return cross_entropy(self._logits(batch).float(), batch.targets, reduction=reduction)

    def _logits(self, batch: Batch) -> torch.Tensor:
        """Returns logits of the answers' tokens alone: of all others nobody wants any."""
        half = self.dtype is torch.bfloat16
        with torch.autocast(self._device.type, self.dtype) if half else nullcontext():
            states = self._model.model(
                input_ids=batch.ids, position_ids=batch.positions, use_cache=False, layout=batch.layout
            ).last_hidden_state
            wanted = states.reshape(-1, states.shape[-1]).index_select(0, batch.predicting)
            return self._model.lm_head(wanted)
