"""Our code beside others': values that `confseq` and its tests give, kept here because it does not build everywhere."""

import numpy as np
import pytest

from tasks.statistics.asymptotic import log_mixture
from tasks.statistics.betting import log_capital

VALUES = np.array([1, 0, 1, 1, 0.5, 1, 0.25, 1, 1, 0, 1, 0.75])
BETS = np.array([0.5, 0.9, 0.3, 0.8, 0.6, 0.7, 0.2, 1.1, 0.4, 0.95, 0.65, 0.5])


def test_capital_of_given_bets_is_that_of_confseqs_betting_mart():
    expected = [
        1.3, 0.832, 0.98176, 1.4530048, 1.540185088, 2.18706282496, 2.121450940211, 3.521608560751, 4.366794615331,
        2.707412661505, 3.763303599492, 4.421881729403,
    ]  # fmt: skip
    assert np.exp(log_capital(BETS, VALUES - 0.4, -0.4)) == pytest.approx(expected, rel=1e-11)


def test_capital_of_bets_on_draws_without_replacement_is_that_of_confseqs_betting_mart():
    """Of 20 values; the bets stay below where either would cut them."""
    expected = [
        1.3, 0.868947368421, 1.028254385965, 1.560527244582, 1.736086559598, 2.5867689738, 2.5867689738,
        4.720853377186, 6.255130724771, 5.579860930619, 8.753406834909, 11.914359303071,
    ]  # fmt: skip
    assert np.exp(log_capital(BETS, VALUES - 0.4, -0.4, of=20)) == pytest.approx(expected, rel=1e-11)


def test_robbins_mixture_is_confseqs_normal_log_mixture():
    """Its own test: a sum of 10 after 100, tuned for 100 and 5 %, where 1/ρ² is v / (2l + log(1 + 2l))."""
    level = np.log(1 / 0.1)  # one-sided: twice the 5 %
    rho = np.sqrt((2 * level + np.log(1 + 2 * level)) / 100)
    assert float(log_mixture(np.array(10.0), np.array(100.0), rho)) == pytest.approx(-0.06502391, abs=1e-8)
