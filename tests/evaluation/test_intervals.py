import pytest

from framework.evaluation.intervals import wilson_interval


def test_the_interval_is_wilson_s():
    # 81 of 263, a worked example of Newcombe (1998): 0.2553 to 0.3662
    assert wilson_interval(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)


@pytest.mark.parametrize(("fraction", "edge"), [(0.0, 0), (1.0, 1)])
def test_at_the_ends_the_interval_stays_within_zero_and_one_and_has_a_width(fraction, edge):
    interval = wilson_interval(fraction, 20)
    assert interval[edge] == pytest.approx(fraction)
    assert 0 <= interval[0] < interval[1] <= 1
