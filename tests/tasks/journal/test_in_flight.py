"""Who asks what somebody else is asking already waits, and finds the answer; others do not."""

import asyncio

import pytest

from tasks.journal.in_flight import InFlight


@pytest.fixture
def ask():
    """Asks for keys, each of which the journal knows afterwards; says what had to be asked."""
    in_flight, known = InFlight(), set()

    async def run(*keys):
        async with in_flight.alone(keys):
            missing = [key for key in keys if key not in known]
            await asyncio.sleep(0.01)
            known.update(missing)
            return missing

    return run


async def test_what_is_on_its_way_is_asked_once(ask):
    asked = await asyncio.gather(ask("a"), ask("a"), ask("a"))
    assert asked == [["a"], [], []]


async def test_of_many_only_the_new_ones_are_asked_whatever_they_overlap_with(ask):
    asked = await asyncio.gather(ask("a", "b"), ask("b", "c"), ask("c", "a"), ask("d", "d"))
    assert sorted(key for each in asked for key in set(each)) == ["a", "b", "c", "d"]


async def test_others_do_not_wait():
    in_flight = InFlight()
    async with in_flight.alone(["a"]):
        async with asyncio.timeout(1), in_flight.alone(["b"]):
            pass
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01), in_flight.alone(["a", "b"]):
                pass
        async with asyncio.timeout(1), in_flight.alone(["b"]):
            pass


async def test_who_fails_leaves_it_to_the_next(ask):
    in_flight = InFlight()
    with pytest.raises(OSError, match="gone"):
        async with in_flight.alone(["a"]):
            raise OSError("gone")
    async with asyncio.timeout(1), in_flight.alone(["a"]):
        pass
