"""A folder in Hugging Face format with a tiny random Llama, and examples to train it on."""

import pytest

from tasks.data.row import Message
from tasks.tuning.base import Base
from tasks.tuning.example import TrainingExample

TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    pytest.importorskip("torch", reason="the extra `finetune` is not installed")
    return write_tiny(tmp_path_factory.mktemp("tiny-llama"))


def write_tiny(folder):
    """Writes the model and its tokenizer, of single bytes, into an empty folder."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    # So small that a second thread only waits.
    torch.set_num_threads(1)
    special = ["<|im_start|>", "<|im_end|>"]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = Tokenizer(models.BPE(vocab={each: at for at, each in enumerate([*special, *letters])}, merges=[]))
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = decoders.ByteLevel()
    words.add_special_tokens(special)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, bos_token="<|im_start|>", eos_token="<|im_end|>", pad_token="<|im_end|>"
    )
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=1,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture
def tiny(tiny_folder):
    return Base("tiny", "tiny at nowhere", tiny_folder)


@pytest.fixture
def examples():
    """Makes examples that share a system message and differ in length; two rows a cluster."""

    def make(count):
        return tuple(
            TrainingExample(
                f"t{number}",
                (Message("system", "Count."), Message("user", f"What is {number} " + "and more " * (number % 3) + "?")),
                f"It is {number}.",
                f"c{number // 2}",
            )
            for number in range(count)
        )

    return make
