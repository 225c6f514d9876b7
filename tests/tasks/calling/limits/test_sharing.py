"""What processes share: the limits that one has found, and the places under them."""

import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.calling.limits.control import Control
from tasks.calling.limits.sharing import Table, fair_share


@given(
    limit=st.integers(0, 200),
    wanted=st.lists(st.integers(1, 100), min_size=1, max_size=8),
    turn=st.integers(0, 1000),
)
def test_places_are_whole_all_used_and_never_more_than_there_are(limit, wanted, turn):
    shares = [fair_share(limit, wanted, mine, turn) for mine in range(len(wanted))]
    assert all(share == int(share) and 0 <= share <= want for share, want in zip(shares, wanted, strict=True))
    assert sum(shares) == min(limit, sum(wanted))


@given(limit=st.integers(1, 200), wanted=st.lists(st.integers(1, 100), min_size=2, max_size=8))
def test_nobody_has_two_places_more_than_one_who_lacks(limit, wanted):
    shares = [fair_share(limit, wanted, mine, 0) for mine in range(len(wanted))]
    lacking = [share for share, want in zip(shares, wanted, strict=True) if share < want]
    assert not lacking or max(shares) <= min(lacking) + 1


def test_a_single_place_goes_around():
    holders = {next(who for who in range(3) if fair_share(1, [5, 5, 5], who, turn)) for turn in range(3)}
    assert holders == {0, 1, 2}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "limits.db"


def test_one_alone_has_all_and_two_divide(path):
    one, two = Table(path), Table(path)
    first, second = Control(64, found=False), Control(64, found=False)
    assert one.meet("e", first, 64) == 1.0
    assert two.meet("e", second, 64) == 0.5
    assert one.meet("e", first, 64) == 0.5
    assert one.meet("another", first, 64) == 1.0
    two.leave("e")
    assert one.meet("e", first, 64) == 1.0


def test_who_wants_less_leaves_the_rest_to_the_other(path):
    one, two = Table(path), Table(path)
    first, second = Control(64, found=False), Control(64, found=False)
    one.meet("e", first, 4)
    assert two.meet("e", second, 64) == 60 / 64


def test_what_one_has_found_the_other_takes_over(path):
    one, two = Table(path), Table(path)
    first, second = Control(512), Control(512)
    first.limit, first.rate = 70.0, 20.0
    one.meet("e", first, 10)
    two.meet("e", second, 10)
    assert (second.limit, second.rate) == (70.0, 20.0)


def test_a_process_that_was_killed_soon_counts_no_more(path):
    code = (
        "import sys, os, pathlib; from tasks.calling.limits.control import Control;"
        "from tasks.calling.limits.sharing import Table;"
        "Table(pathlib.Path(sys.argv[1])).meet('e', Control(64, found=False), 64); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    mine, control = Table(path), Control(64, found=False)
    assert mine.meet("e", control, 64) == 0.5
    deadline = time.monotonic() + 10
    while mine.meet("e", control, 64) < 1.0:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_file_that_cannot_be_used_stops_nobody(tmp_path):
    (tmp_path / "limits.db").write_bytes(b"no database at all" * 100)
    assert Table(tmp_path / "limits.db").meet("e", Control(64), 10) == 1.0
