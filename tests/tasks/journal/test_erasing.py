"""What is taken out of the journal leaves the file, its log, and nothing else."""

import multiprocessing
import sqlite3
import unicodedata
from datetime import UTC, datetime

import pytest

from configs.errors import LifecycleError
from tasks.journal import erasing
from tasks.journal import file as journal_file
from tasks.journal.erasing import Removed, erase, prune
from tasks.journal.journal import Journal


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.db"


def _value(text, *passages):
    return {"text": text, "usage": [10, 5, 0], "context": [["d1", passage, 0.5] for passage in passages]}


def _keys(path):
    with sqlite3.connect(path) as database:
        return [key for (key,) in database.execute("SELECT key FROM calls ORDER BY key")]


def _raw(path):
    return b"".join(file.read_bytes() for file in path.parent.glob("journal.db*"))


@pytest.mark.parametrize(
    "text",
    [
        "Ada Lovelace",
        "김하늘",
        "강남대로 1길",
        'say "no"',
        "C:\\home",
        "one\ntwo",
        "tab\there",
        "🏔️",
        "\u2028",
    ],
)
def test_a_text_is_found_wherever_a_value_holds_it(path, text):
    with Journal(path) as journal:
        journal.put("answer", "first", "chat", _value(f"it is {text}!"))
        journal.put("context", "first", "chat", _value("it is", "other", f"<{text}>"))
        journal.put("nested", "first", "chat", {"text": "", "steps": [{"inner": [{"said": text}]}]})
        journal.put("named", "first", "chat", {"text": "", text: 1})
        journal.put("rest", "first", "chat", _value("nothing of it"))
    assert erase(path, text=text) == Removed(4)
    assert _keys(path) == ["rest"]


def test_the_rest_is_untouched(path):
    values = {f"k{number}": _value(f"answer {number}, 방수") for number in range(50)}
    with Journal(path) as journal:
        for key, value in values.items():
            journal.put(key, "first", "chat", value)
        journal.put("secret", "first", "chat", _value("Ada"))
    assert erase(path, text="Ada") == Removed(1)
    with Journal(path) as journal:
        assert {key: journal.get(key) for key in values} == values


def test_case_counts_unless_it_is_to_be_ignored(path):
    with Journal(path) as journal:
        journal.put("k", "first", "chat", _value("STRASSE of Ada"))
    assert erase(path, text="ada") == Removed(0)
    assert erase(path, text="Straße of ADA", ignore_case=True) == Removed(1)


def test_one_text_in_two_forms_of_unicode_is_one_text(path):
    with Journal(path) as journal:
        journal.put("k", "first", "chat", _value(unicodedata.normalize("NFD", "김하늘 씨")))
    assert erase(path, text=unicodedata.normalize("NFC", "김하늘")) == Removed(1)


def test_a_vector_holds_no_text(path):
    with Journal(path) as journal:
        journal.put("k", "first", "minilm", {"vector": "AdaAdaAda", "usage": [1, 0, 0]}, kind="embedding")
    assert erase(path, text="Ada") == Removed(0)


def test_a_user_is_erased_alone_or_with_a_text(path):
    with Journal(path) as journal:
        journal.put("a", "first", "chat", _value("one"), user="user-7")
        journal.put("b", "first", "chat", _value("two"), user="user-8")
        journal.put("c", "first", "chat", _value("three"))
        journal.put("d", "first", "chat", _value("four"), user="user-7")
    assert erase(path, user="user-7", dry_run=True) == Removed(2)
    assert erase(path, user="user-7") == Removed(2)
    assert _keys(path) == ["b", "c"]
    assert erase(path, user="user-8", text="three") == Removed(2)


def test_a_record_belongs_to_everyone_who_was_answered_from_it(path):
    with Journal(path) as journal:
        journal.put("a", "first", "chat", _value("one"), user="user-7")
        journal.put("b", "first", "chat", _value("two"))
        for user in ("user-8", "user-7", ""):
            journal.get("a", user)
        journal.flush()
        journal.get("b", "user-8")
    assert erase(path, user="user-9") == Removed(0)
    assert erase(path, user="user-8", dry_run=True) == Removed(2)
    assert erase(path, user="user-8") == Removed(2)
    assert _keys(path) == []
    assert b"user-8" not in _raw(path)


@pytest.mark.parametrize("committed", [False, True])
def test_whoever_a_record_belonged_to_that_was_replaced_still_owns_it(path, committed):
    with Journal(path) as journal:
        journal.put("a", "first", "chat", _value("one"), user="user-7")
        if committed:
            journal.flush()
        journal.put("a", "first", "chat", _value("two"), user="user-8")
    assert erase(path, user="user-7") == Removed(1)
    assert _keys(path) == []


def test_a_user_leaves_the_file_even_where_the_record_is_gone(path):
    with Journal(path) as journal:
        journal.put("a", "first", "chat", _value("one"))
        journal.get("a", "user-7")
        journal.flush()
        erase(path, text="one")
        journal._commits.own("a", "user-9")
    assert b"user-7" not in _raw(path)
    assert b"user-9" not in _raw(path)


def test_a_record_that_nobody_can_read_any_more_goes_too(path):
    with Journal(path) as journal:
        journal.put("k", "first", "chat", _value("Ada"))
    with sqlite3.connect(path) as database:
        database.execute("UPDATE calls SET value = replace(value, 'Ada', 'Bda')")
    assert erase(path, text="Ada") == Removed(0, damaged=1)
    assert _keys(path) == []


@pytest.mark.parametrize("held_open", [False, True])
def test_the_bytes_leave_the_file_and_its_log(path, held_open):
    names = ("김하늘".encode(), b"Ada Lovelace")
    with Journal(path) as journal:
        for number in range(300):
            journal.put(f"k{number}", "first", "chat", _value(f"{number} Ada Lovelace" if number % 3 else "김하늘"))
        journal.put("rest", "first", "chat", _value("nothing of it"))
        # What was replaced is nowhere to be found, and its bytes are still there.
        journal.flush()
        journal.put("k1", "second", "chat", _value("Ada Lovelace" * 30))
        journal.flush()
        assert all(name in _raw(path) for name in names)
        if not held_open:
            journal.close()
        assert erase(path, text="Ada Lovelace") == Removed(200)
        assert erase(path, text="김하늘") == Removed(100)
        assert not any(name in _raw(path) for name in names)
        assert b"nothing of it" in _raw(path)


def _read_until_told(path, reading, told):
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("BEGIN")
    database.execute("SELECT count(*) FROM calls").fetchone()
    reading.set()
    told.wait()
    database.close()


def test_a_process_that_reads_is_named_as_what_hinders_and_erasing_again_finishes(path, monkeypatch):
    for module in (journal_file, erasing):
        monkeypatch.setattr(module, "WAIT_S", 0.2)
    with Journal(path) as journal:
        journal.put("k", "first", "chat", _value("Ada Lovelace"))
    spawn = multiprocessing.get_context("spawn")
    reading, told = spawn.Event(), spawn.Event()
    reader = spawn.Process(target=_read_until_told, args=(path, reading, told))
    reader.start()
    reading.wait()
    with pytest.raises(LifecycleError) as raised:
        erase(path, text="Ada Lovelace")
    told.set()
    reader.join()
    message = str(raised.value)
    assert message.startswith(f"1 records left the journal, but bytes of them may still be in {path}")
    assert message.endswith("end that process and run the same command again")
    assert erase(path, text="Ada Lovelace") == Removed(0)
    assert b"Ada Lovelace" not in _raw(path)


def test_pruning_takes_what_all_conditions_name(path):
    with Journal(path) as journal:
        for key, epoch, model in (("a", "old", "m"), ("b", "old", "n"), ("c", "new", "m"), ("d", "new", "n")):
            journal.put(key, epoch, model, _value("x" * 200))
    with sqlite3.connect(path) as database:
        database.execute("UPDATE calls SET at = '2020-01-01T00:00:00+00:00' WHERE key IN ('a', 'c')")
    before = datetime(2024, 1, 1, tzinfo=UTC)
    assert prune(path, epoch="old", dry_run=True) == Removed(2)
    assert prune(path, before=before, model="m", epoch="new") == Removed(1)
    assert _keys(path) == ["a", "b", "d"]
    assert prune(path, before=before) == Removed(1)
    assert prune(path, model="n") == Removed(2)
    assert _keys(path) == []
