"""Finding an endpoint's limits: against endpoints that are arithmetic, in a time that is simulated."""

import heapq
import math
import random

import pytest

from tasks.calling.limits.control import Control

MEDIAN_S, SIGMA = 0.2, 0.3
MEAN_S = MEDIAN_S * math.exp(SIGMA**2 / 2)


class Queueing:
    """Works on `slots` calls at once; the others wait."""

    def __init__(self, slots):
        self.free = [0.0] * slots

    def send(self, now, seconds):
        start = max(now, heapq.heappop(self.free))
        heapq.heappush(self.free, start + seconds)
        return True, start + seconds - now


class Rejecting(Queueing):
    """Works on `slots` calls at once; turns the others away."""

    def send(self, now, seconds):
        return super().send(now, seconds) if self.free[0] <= now else (False, 0.002)


class Metered:
    """Takes so many calls a second, and a burst."""

    def __init__(self, rate, burst):
        self.rate, self.burst, self.tokens, self.last = rate, burst, burst, 0.0
        self.change = (math.inf, rate)

    def send(self, now, seconds):
        self.rate = self.change[1] if now > self.change[0] else self.rate
        self.tokens = min(self.burst, self.tokens + (now - self.last) * self.rate)
        self.last = now
        if self.tokens < 1:
            return False, 0.002
        self.tokens -= 1
        return True, seconds


class Moody(Queueing):
    """Turns a share of the calls away, whatever the load."""

    def __init__(self, slots, share):
        super().__init__(slots)
        self.share, self.chance = share, random.Random(1)  # noqa: S311

    def send(self, now, seconds):
        return (False, 0.002) if self.chance.random() < self.share else super().send(now, seconds)


def run(control, endpoint, calls, seed=0):
    """Makes calls as a limiter does; returns the seconds it took and when each rejection happened."""
    chance, events, counter = random.Random(seed), [], iter(range(10**9))  # noqa: S311
    look_at = -1.0
    now, next_start, in_flight, waiting, answered = 0.0, 0.0, 0, calls, 0
    rejections = []

    def at(when, what, started=0.0):
        heapq.heappush(events, (when, next(counter), what, started))

    while answered < calls:
        while waiting and in_flight < int(control.limit):
            if control.rate is not None:
                if next_start > now:
                    if look_at != next_start:
                        at(next_start, "look")
                        look_at = next_start
                    break
                next_start = max(next_start, now - 0.05) + 1 / control.rate
            waiting, in_flight = waiting - 1, in_flight + 1
            control.started()
            accepted, seconds = endpoint.send(now, MEDIAN_S * math.exp(chance.gauss(0, SIGMA)))
            at(now + seconds, "answered" if accepted else "rejected", now)
        now, _, what, started = heapq.heappop(events)
        if what == "answered":
            full = in_flight >= int(control.limit)
            paced = control.rate is not None and next_start > now and not full
            control.accepted(now, now - started, in_flight, slots_full=bool(waiting) and full, paced=paced)
            in_flight, answered = in_flight - 1, answered + 1
        elif what == "rejected":
            control.rejected(now, in_flight)
            rejections.append(now)
            at(now + control.hold_s, "left")
            at(now + chance.uniform(0.25, 0.5), "again")
        elif what == "left":
            in_flight -= 1
        elif what == "again":
            waiting += 1
    return now, rejections


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("slots", [4, 8, 64])
def test_a_limit_that_shows_only_in_latency_is_found(slots, seed):
    control = Control(512)
    calls = 120 * slots
    seconds, _ = run(control, Queueing(slots), calls, seed)
    assert calls / seconds >= 0.94 * slots / MEAN_S
    assert 0.95 * slots <= control.limit <= 2.2 * slots, "not many more wait there than keep it busy"


def test_a_known_limit_is_used_from_the_first_call_on_and_never_passed():
    control = Control(64, found=False)
    seconds, _ = run(control, Queueing(64), 5000)
    assert 5000 / seconds >= 0.97 * 64 / MEAN_S
    assert control.limit == 64


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("rate", [5, 20, 100])
def test_a_limit_on_the_rate_is_held_by_pace(rate, seed):
    seconds, rejections = run(Control(512), Metered(rate, 20), 75 * rate, seed)
    assert (75 * rate - 20) / seconds >= 0.95 * rate
    assert sum(when > 10 for when in rejections) <= 0.02 * (seconds - 10) * rate


def test_a_limit_on_the_rate_that_changes_is_followed():
    slower, faster = Metered(20, 20), Metered(20, 20)
    slower.change, faster.change = (40, 10), (40, 40)
    seconds, rejections = run(Control(512), slower, 1300)
    assert 0.85 * (40 * 20 + (seconds - 40) * 10) <= 1300 - 20
    assert sum(when > 10 for when in rejections) <= 0.2 * 900
    seconds, rejections = run(Control(512), faster, 2800)
    assert 0.85 * (40 * 20 + (seconds - 40) * 40) <= 2800 - 20
    assert sum(when > 10 for when in rejections) <= 0.03 * 2600


@pytest.mark.parametrize("seed", range(2))
def test_calls_above_the_slots_that_are_turned_away_are_not_sent_in_vain(seed):
    seconds, rejections = run(Control(512), Rejecting(64), 5000, seed)
    assert 5000 / seconds >= 0.75 * 64 / MEAN_S
    assert sum(when > 10 for when in rejections) <= 100


@pytest.mark.parametrize("seed", range(2))
def test_calls_that_are_turned_away_at_random_slow_nothing_down(seed):
    seconds, _ = run(Control(64, found=False), Moody(64, 0.1), 5000, seed)
    assert 5000 / seconds >= 0.9 * 64 / MEAN_S


@pytest.mark.parametrize("share", [0.03, 0.1, 0.3])
def test_calls_that_are_turned_away_at_random_hide_no_limit(share):
    seconds, _ = run(Control(512), Moody(64, share), 10_000)
    assert 10_000 / seconds >= 0.75 * 64 / MEAN_S


def test_a_pace_that_is_known_is_never_passed():
    control = Control(512, rate_at_most=20.0)
    seconds, rejections = run(control, Metered(20, 20), 1000)
    assert rejections == []
    assert control.rate == 20.0
    assert 1000 / seconds >= 0.97 * 20


def test_what_another_process_found_is_taken_over_within_the_own_bounds():
    control = Control(32, rate_at_most=10.0)
    control.take_over(64.0, 50.0)
    assert (control.limit, control.rate) == (32.0, 10.0)
    control.take_over(0.2, None)
    assert (control.limit, control.rate) == (1.0, 10.0)


class Resting(Queueing):
    """Turns every call away for a while."""

    def __init__(self, slots, since, until):
        super().__init__(slots)
        self.since, self.until = since, until

    def send(self, now, seconds):
        return (False, 0.002) if self.since < now < self.until else super().send(now, seconds)


def test_an_endpoint_that_takes_nothing_for_a_second_costs_little_more_than_that():
    calls = 20_000
    undisturbed, _ = run(Control(512), Queueing(64), calls)
    seconds, _ = run(Control(512), Resting(64, 20, 21), calls)
    assert seconds <= 1.2 * undisturbed
