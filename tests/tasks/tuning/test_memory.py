import shutil
from collections import namedtuple

import pytest

from configs.errors import DataError
from configs.schema.finetune import Finetune
from tasks.tuning.memory import Need, check_need, need_of

SHAPE = {
    "hidden_size": 576,
    "intermediate_size": 1536,
    "num_hidden_layers": 30,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "head_dim": 64,
    "vocab_size": 49152,
}


def test_too_little_memory_is_said_in_one_line(tmp_path):
    with pytest.raises(DataError, match=r"takes about 5\.0 GB of memory, 2\.0 GB are free; lower `finetune\.batch`"):
        check_need(Need(5000, 10), tmp_path, available_mb=2000)


def test_too_little_disk_is_said_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: namedtuple("Usage", "free")(1e6))
    with pytest.raises(DataError, match=r"takes about 0\.5 GB of disk, 0\.0 GB are free at .*LIFECYCLE_HOME"):
        check_need(Need(100, 500), tmp_path, available_mb=2000)


def test_enough_is_enough(tmp_path):
    check_need(Need(100, 1), tmp_path, available_mb=2000)


@pytest.mark.parametrize("what", [{"batch": 16}, {"lora": {"rank": 64, "alpha": 32}}])
def test_more_takes_more(what):
    rows = [(180, 20)] * 40
    less, more = need_of(SHAPE, Finetune(), rows), need_of(SHAPE, Finetune.model_validate(what), rows)
    assert more.memory_mb > less.memory_mb
    assert more.disk_mb >= less.disk_mb


def test_longer_rows_take_more():
    assert need_of(SHAPE, Finetune(), [(360, 20)] * 9).memory_mb > need_of(SHAPE, Finetune(), [(180, 20)] * 9).memory_mb
