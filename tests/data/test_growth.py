"""Progressive resizing: which image size comes at which step."""

import pytest

from framework.data.growth import Growth


def test_images_start_small_and_have_their_full_size_from_the_last_step_of_growth_on():
    growth = Growth(32, 100, (64, 64))
    assert growth.size_at(0) == (32, 32)
    assert growth.size_at(49) == (32, 32)
    assert growth.size_at(50) == (48, 48)
    assert growth.size_at(99) == (48, 48)
    assert growth.size_at(100) == growth.size_at(10_000) == (64, 64)


def test_the_longer_side_keeps_the_ratio():
    assert Growth(32, 10, (64, 96)).sizes() == [(32, 48), (48, 72), (64, 96)]


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_few_steps_end_at_the_full_size(steps):
    assert Growth(32, steps, (48, 48)).size_at(steps) == (48, 48)


@pytest.mark.parametrize(("steps", "total"), [(65, 100), (64, 100), (100, 100), (1, 9), (2, 3), (90, 40)])
def test_the_stages_are_the_sizes_of_the_steps_one_after_another(steps, total):
    growth = Growth(32, steps, (80, 80))
    sizes = [size for stage in growth.stages(total) for size in [stage.size] * stage.steps]
    assert sizes == [growth.size_at(step) for step in range(total)]
    starts = [stage.start for stage in growth.stages(total)]
    assert starts == [sizes.index(stage.size) for stage in growth.stages(total)]
