"""Progressive resizing: which image size comes at which step."""

import pytest

from framework.data.progressive_resize import ImageSizeSchedule


def test_images_start_small_and_have_their_full_size_from_the_last_step_of_the_schedule_on():
    schedule = ImageSizeSchedule(32, 100, (64, 64))
    assert schedule.size_at(0) == (32, 32)
    assert schedule.size_at(49) == (32, 32)
    assert schedule.size_at(50) == (48, 48)
    assert schedule.size_at(99) == (48, 48)
    assert schedule.size_at(100) == schedule.size_at(10_000) == (64, 64)


def test_the_longer_side_keeps_the_ratio():
    assert ImageSizeSchedule(32, 10, (64, 96)).sizes() == [(32, 48), (48, 72), (64, 96)]


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_few_steps_end_at_the_full_size(steps):
    assert ImageSizeSchedule(32, steps, (48, 48)).size_at(steps) == (48, 48)


@pytest.mark.parametrize(("steps", "total"), [(65, 100), (64, 100), (100, 100), (1, 9), (2, 3), (90, 40)])
def test_the_stages_are_the_sizes_of_the_steps_one_after_another(steps, total):
    schedule = ImageSizeSchedule(32, steps, (80, 80))
    sizes = [size for phase in schedule.phases(total) for size in [phase.size] * phase.steps]
    assert sizes == [schedule.size_at(step) for step in range(total)]
    starts = [phase.start for phase in schedule.phases(total)]
    assert starts == [sizes.index(phase.size) for phase in schedule.phases(total)]
