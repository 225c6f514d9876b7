import copy

import pytest

from configs.errors import DataError
from tasks.data.row import Message
from tasks.tuning.base import load_tokenizer
from tasks.tuning.example import TrainingExample
from tasks.tuning.tokens import check_examples, tokenised


@pytest.fixture
def tokenizer(tiny):
    return load_tokenizer(tiny)


def test_the_prompt_is_the_served_one_and_the_answer_ends_where_generation_does(tokenizer, examples):
    first, *_ = tokenised(examples(8), tokenizer, 512, "rows")
    prompt, answer = tokenizer.decode(first.prompt), tokenizer.decode(first.answer)
    assert prompt.endswith("What is 0 ?<|im_end|>\n<|im_start|>assistant\n")
    assert answer == "It is 0.<|im_end|>"
    assert first.answer[-1] == tokenizer.eos_token_id


def test_rows_that_are_too_long_are_named_with_their_number(tokenizer, examples):
    lengths = sorted(map(len, tokenised(examples(12), tokenizer, 512, "train.jsonl")))
    with pytest.raises(DataError) as raised:
        tokenised(examples(12), tokenizer, lengths[-3], "train.jsonl")
    long = sum(length > lengths[-3] for length in lengths)
    assert f"{long} of 12 training rows are longer than {lengths[-3]} tokens: t11 ({lengths[-1]})" in str(raised.value)
    assert "finetune.max_tokens" in str(raised.value)


def test_three_rows_are_too_few(examples):
    with pytest.raises(DataError, match=r"train\.jsonl: 3 training rows are too few; at least 8"):
        check_examples(examples(3), "train.jsonl")


def test_rows_of_one_answer_are_refused(examples):
    with pytest.raises(DataError, match="all 9 training rows have the same answer, 'Yes'"):
        check_examples([each._replace(answer="Yes") for each in examples(9)], "train.jsonl")


def test_rows_without_an_answer_are_named(examples):
    rows = [each._replace(answer=" " if at == 4 else each.answer) for at, each in enumerate(examples(9))]
    with pytest.raises(DataError, match="1 of 9 training rows have no reference answer: t4;"):
        check_examples(rows, "train.jsonl")


@pytest.mark.parametrize(
    "turns",
    [
        (),
        (("system", "s"),),
        (("user", "a"), ("user", "b")),
        (("user", "a"), ("assistant", "b")),
        (("assistant", "a"), ("user", "b")),
        (("user", "a"), ("system", "s"), ("user", "b")),
        (("user", " "),),
    ],
)
def test_broken_conversations_are_named(examples, turns):
    broken = TrainingExample("odd", tuple(Message(*turn) for turn in turns), "An answer.")
    with pytest.raises(DataError, match="1 of 10 training rows are no conversation: odd;"):
        check_examples([*examples(9), broken], "train.jsonl")


def test_a_template_that_refuses_names_the_row(tokenizer, examples):
    tokenizer = copy.deepcopy(tokenizer)
    tokenizer.chat_template = "{{ raise_exception('no system message') }}"
    with pytest.raises(DataError, match="rows row t0: the base's chat template refuses it: no system message"):
        tokenised(examples(8), tokenizer, 512, "rows")
