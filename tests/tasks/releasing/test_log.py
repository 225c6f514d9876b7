"""The release log keeps what it acknowledged and notices whatever else happened to its file."""

import json
import multiprocessing
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.errors import ReleaseError
from tasks.releasing.log import BusyError, ReleaseLog


def facts(number=1, **more):
    return {
        "action": "promote",
        "release": f"r{number}",
        "candidate": f"c{number}",
        "version": number,
        "who": "민지@shop",
        "why": "더 나은 답 (better answers)",
        **more,
    }


def filled(folder, entries=3):
    log = ReleaseLog(Path(folder) / "shop.jsonl")
    for number in range(1, entries + 1):
        log.append("intent" if number % 2 else "commit", **facts(number, evidence={"n": number / 3}))
    return log


def test_entries_are_chained_and_read_back(tmp_path):
    log = filled(tmp_path)
    first, second, third = log.entries()
    assert [entry.sequence for entry in log.entries()] == [1, 2, 3]
    assert (second.previous_hash, third.previous_hash) == (first.hash, second.hash)
    assert log.verify() == (3, third.hash, 0)
    assert log.committed() == second
    assert third.at.endswith("+00:00")


def test_an_empty_log_is_intact_and_names_no_champion(tmp_path):
    log = ReleaseLog(tmp_path / "shop.jsonl")
    assert log.verify().entries == 0
    assert log.committed() is None


@given(cut=st.integers(min_value=1, max_value=10_000))
def test_a_last_line_cut_off_anywhere_is_no_entry_and_goes_at_the_next_append(cut):
    with tempfile.TemporaryDirectory() as folder:
        log = filled(folder)
        whole = log.path.read_bytes()
        last = whole.rstrip(b"\n").rfind(b"\n") + 1
        kept = last + cut % (len(whole) - last)
        log.path.write_bytes(whole[:kept])

        complete = kept == len(whole) - 1  # only the line's end is missing: nothing of the entry is lost
        assert len(log.entries()) == (3 if complete else 2)
        assert log.verify().torn_bytes == (0 if complete else kept - last)

        log.append("abort", **facts(4))
        assert len(log.entries()) == (4 if complete else 3)
        assert log.verify().torn_bytes == 0


@given(place=st.integers(min_value=0, max_value=10_000), byte=st.integers(min_value=0, max_value=255))
def test_a_changed_byte_in_any_acknowledged_entry_is_noticed_and_named(place, byte):
    with tempfile.TemporaryDirectory() as folder:
        log = filled(folder)
        content = bytearray(log.path.read_bytes())
        place %= len(content)
        if content[place] == byte or (place == len(content) - 1 and chr(byte).isspace()):
            return
        entry = bytes(content[:place]).count(b"\n") + 1
        content[place] = byte
        log.path.write_bytes(content)
        with pytest.raises(ReleaseError, match=f"entry {entry} was altered"):
            log.verify()
        with pytest.raises(ReleaseError, match="restore the file from a backup"):
            log.append("abort", **facts(9))
        assert log.path.read_bytes() == bytes(content)


@pytest.mark.parametrize(("gone", "named"), [(0, 1), (1, 2)])
def test_an_entry_taken_out_is_noticed(tmp_path, gone, named):
    log = filled(tmp_path)
    lines = log.path.read_bytes().splitlines(keepends=True)
    log.path.write_bytes(b"".join(lines[:gone] + lines[gone + 1 :]))
    with pytest.raises(ReleaseError, match=f"entry {named} was altered: it does not follow"):
        log.verify()


def test_an_entry_rewritten_with_a_new_hash_breaks_the_next(tmp_path):
    from tasks.releasing.entry import hash_of, line_of

    log = filled(tmp_path)
    lines = log.path.read_bytes().splitlines()
    forged = {**json.loads(lines[0]), "who": "nobody"}
    lines[0] = line_of({**forged, "hash": hash_of(forged)})
    log.path.write_bytes(b"\n".join(lines) + b"\n")
    with pytest.raises(ReleaseError, match="entry 2 was altered"):
        log.verify()


def test_a_full_disk_is_one_line_and_leaves_the_log_as_it_was(tmp_path, monkeypatch):
    import errno
    import os

    log = filled(tmp_path)
    before = log.path.read_bytes()
    real = os.write

    def fills_up(file, content):
        if len(content) > 10:
            return real(file, content[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", lambda file, content: fills_up(file, content[: len(content) // 2]))
    with pytest.raises(ReleaseError, match="No space left on device; free the disk"):
        log.append("abort", **facts(4))
    monkeypatch.undo()
    assert log.path.read_bytes() == before
    assert log.append("abort", **facts(4)).sequence == 4


def _append_many(path):
    log = ReleaseLog(Path(path))
    for number in range(10):
        log.append("abort", **facts(number))


def test_processes_that_append_at_once_make_one_chain(tmp_path):
    path = tmp_path / "shop.jsonl"
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_append_many, args=(str(path),)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert ReleaseLog(path).verify().entries == 30


def test_a_log_held_by_one_is_busy_for_another_and_free_again_after(tmp_path):
    log, other = filled(tmp_path), ReleaseLog(tmp_path / "shop.jsonl")
    with log.hold(), log.hold():
        with pytest.raises(BusyError, match="another process is releasing shop"), other.hold(0):
            pass
        log.append("abort", **facts(4))
    with other.hold(0):
        assert other.verify().entries == 4


def _hold_for_ever(path, held):
    with ReleaseLog(Path(path)).hold():
        held.set()
        time.sleep(60)


@pytest.mark.fault
def test_a_process_that_is_killed_holds_nothing_any_more(tmp_path):
    log = filled(tmp_path)
    context = multiprocessing.get_context("fork")
    held = context.Event()
    holder = context.Process(target=_hold_for_ever, args=(str(log.path), held))
    holder.start()
    assert held.wait(10)
    with pytest.raises(BusyError), log.hold(0):
        pass
    holder.kill()
    holder.join()
    with log.hold(0):
        assert log.append("abort", **facts(4)).sequence == 4
