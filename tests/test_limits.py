"""What the long stages ask of a cluster, against what was measured and estimated."""

import pytest

from audioldm_bench.limits import DAY, sampling_minutes, training_memory, training_minutes
from config_cases import DEFAULT, MINI, merged

# size: (MB that training peaked at or needs by the count, batch) [benchmarks/RESULTS.md]
PEAKS = {"s": (7_687, 8), "m": (9_360, 1), "l": (22_000, 8)}
# size: hours on an RTX 3090 of 216 segments, and of 224 systems [docs/paper-run.md]
HOURS = {"s": (282, 444), "m": (550, 886), "l": (911, 1_484)}


def of(size, **changes):
    config = merged(DEFAULT, {"models": {"published": {"checkpoint": f"audioldm-{size}-full"}}})
    return merged(config, changes)


@pytest.mark.parametrize("size", PEAKS)
def test_training_asks_for_more_memory_than_was_measured(size):
    peak, batch = PEAKS[size]
    asked = training_memory(of(size, training={"batch_size": batch}))
    assert isinstance(asked, int) and 1.2 * peak <= asked < 40_000
    more = training_memory(of(size, training={"batch_size": 64}))
    assert more > asked and training_memory(MINI_CONFIG) == 20_000


def test_each_further_process_of_a_training_asks_for_memory_of_its_own():
    one, four = (training_memory(of("l", runtime={"gpus_per_job": n})) for n in (1, 4))
    assert four - one > 3 * 12_000 * 1.2  # the state that it loads
    assert training_memory(of("l", runtime={"gpus_per_training": 4})) == four
    assert training_memory(of("l", runtime={"gpus_per_job": 4, "gpus_per_training": 1})) == one


MINI_CONFIG = merged(DEFAULT, MINI)


@pytest.mark.parametrize("size", HOURS)
def test_the_limits_are_above_the_estimates_and_grow_with_the_work(size):
    training, sampling = HOURS[size]
    config = of(size)
    assert training_minutes(config) > 2 * training * 60 / 216
    assert sampling_minutes(config) > 1.5 * sampling * 60 / 224
    shorter = of(
        size, training={"checkpoint_every": 5_000}, sampling={"candidates": 1, "steps": 50}
    )
    assert training_minutes(shorter) < training_minutes(config) <= DAY
    assert sampling_minutes(shorter) < sampling_minutes(config) <= DAY


def test_without_a_gpu_a_day_is_asked_for():
    assert training_minutes(of("s", runtime={"gpus_per_job": 0})) == DAY
    assert sampling_minutes(of("s", runtime={"gpus_per_job": 0})) == DAY
