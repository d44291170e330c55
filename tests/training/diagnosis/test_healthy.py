"""No false alarm in runs that go well."""

import numpy as np
import pytest

from tests.training.diagnosis.healthy import RUNS


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.wide)])
@pytest.mark.parametrize("name", RUNS)
def test_nothing_is_said_of_a_healthy_run(name, seed):
    recorder = RUNS[name](seed)
    history = recorder.history
    if name != "GAN":
        (loss,) = (history[name].values for name in history.names if name.endswith("loss"))
        assert np.median(loss[-20:]) < 0.4 * loss[0]  # it did learn
    assert [event.message for event in recorder.finish()] == []
