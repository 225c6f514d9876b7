import shutil
from collections import namedtuple

import pytest

from configs.errors import DataError
from configs.schema.finetune import Finetune
from tasks.tuning import free_memory
from tasks.tuning.free_memory import left_by_group_mb
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


def test_padding_takes_the_longest_row_of_every_row():
    rows = [(900, 20), *[(100, 20)] * 7]
    padded, even = (need_of(SHAPE, Finetune(packing=False), each).memory_mb for each in (rows, [(900, 20)] * 8))
    assert padded == even
    sum_of_all = need_of(SHAPE, Finetune(), [(200, 20)] * 8).memory_mb
    packed = need_of(SHAPE, Finetune(), rows).memory_mb
    assert sum_of_all < packed < padded, "attention lays packed rows side by side"


def test_a_batch_of_more_rows_than_there_are_is_whole_all_the_same():
    few, many = (need_of(SHAPE, Finetune(batch=32), [(180, 20)] * rows).memory_mb for rows in (8, 40))
    assert few == many


def write(root, files):
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content, encoding="ascii")


def test_a_control_group_leaves_its_limit_without_what_is_taken_and_not_given_back(tmp_path):
    group = "sys/fs/cgroup/box/job"
    write(
        tmp_path,
        {
            "proc/self/cgroup": "0::/box/job\n",
            f"{group}/memory.max": "3000000000\n",
            f"{group}/memory.current": "1500000000\n",
            f"{group}/memory.stat": "anon 1\ninactive_file 500000000\n",
        },
    )
    assert left_by_group_mb(tmp_path) == 2000
    above = {"memory.max": "900000000", "memory.current": "100000000", "memory.stat": "inactive_file 0"}
    write(tmp_path, {f"sys/fs/cgroup/box/{name}": content for name, content in above.items()})
    assert left_by_group_mb(tmp_path) == 800
    write(tmp_path, {"sys/fs/cgroup/box/memory.max": "max", f"{group}/memory.max": "max"})
    assert left_by_group_mb(tmp_path) == float("inf")


def test_a_control_group_of_the_first_version_is_read_too(tmp_path):
    group = "sys/fs/cgroup/memory"
    write(
        tmp_path,
        {
            "proc/self/cgroup": "5:cpu,cpuacct:/\n4:memory:/not/seen/in/here\n",
            f"{group}/memory.limit_in_bytes": "2000000000\n",
            f"{group}/memory.usage_in_bytes": "600000000\n",
            f"{group}/memory.stat": "total_inactive_file 100000000\n",
        },
    )
    assert left_by_group_mb(tmp_path) == 1500


def test_without_control_groups_there_is_no_such_limit(tmp_path):
    assert left_by_group_mb(tmp_path) == float("inf")


def test_what_counts_is_the_gpus_memory_or_the_less_of_machine_and_group(monkeypatch):
    torch = pytest.importorskip("torch", reason="the extra `finetune` is not installed")
    monkeypatch.setattr(free_memory.psutil, "virtual_memory", lambda: namedtuple("Memory", "available")(5e9))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(free_memory, "left_by_group_mb", lambda: 2000.0)
    assert free_memory.free_memory_mb() == 2000
    monkeypatch.setattr(free_memory, "left_by_group_mb", lambda: 9000.0)
    assert free_memory.free_memory_mb() == 5000
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (16e9, 80e9))
    assert free_memory.free_memory_mb() == 16000
