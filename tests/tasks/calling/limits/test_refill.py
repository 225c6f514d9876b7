"""The rate that an endpoint takes calls at, told between two that it turned away."""

from tasks.calling.limits.refill import Refill


def bucket(refill, rate, burst, sent_a_second, seconds):
    """Sends evenly to a token bucket."""
    tokens, now = float(burst), 0.0
    while now < seconds:
        refill.started(1)
        if tokens >= 1:
            tokens -= 1
        else:
            refill.rejected(now, 1)
        now += 1 / sent_a_second
        tokens = min(burst, tokens + rate / sent_a_second)


def test_a_burst_is_not_taken_for_the_rate():
    refill = Refill()
    bucket(refill, rate=20, burst=40, sent_a_second=90, seconds=5)
    assert refill.rate is not None
    assert abs(refill.rate - 20) < 0.4


def test_nothing_is_told_by_one_rejected_call():
    refill = Refill()
    refill.started(50)
    refill.rejected(1.0, 1)
    assert refill.rate is None


def test_only_what_was_taken_of_late_counts():
    refill = Refill()
    now = 0.0
    for rate, rejections in ((20, 20), (10, 20)):
        for _ in range(rejections):
            now += 1
            refill.started(rate + 1)
            refill.rejected(now, 1)
    assert refill.rate == 10


def test_after_a_rest_nothing_is_told():
    refill = Refill()
    bucket(refill, rate=20, burst=20, sent_a_second=90, seconds=5)
    refill.forget()
    assert refill.rate is None


def test_a_call_may_stand_for_those_of_other_processes():
    refill = Refill()
    for second in range(1, 30):
        refill.started(4.0 * 6)
        refill.rejected(float(second), 4.0)
    assert refill.rate == 20
