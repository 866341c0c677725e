"""The Informer's adapter, with a network that stands in for the trained one; no torch."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from teletwin.errors import ConfigError, MissingPartError
from teletwin.geometry import IDENTITY_POSE
from teletwin.hand.synthetic import draw_recording
from teletwin_training.informer import InformerCfg, InformerForecaster, require_neuralforecast, train_informer
from teletwin_training.informer.series import STEPS, curves_from, increments_of


def test_forecast_increments_are_summed_up_from_the_newest_pose():
    windows = np.tile(IDENTITY_POSE, (2, 100, 1))
    windows[1, -1, 0] = 0.3
    increments = np.zeros((2, STEPS, 7))
    increments[:, :, 0] = 0.001
    curves = curves_from(increments, windows)
    assert curves.shape == (2, 26, 7)
    assert np.allclose(curves[:, :, 0], windows[:, -1:, 0] + 0.002 * np.arange(26))
    assert np.allclose(np.linalg.norm(curves[..., 3:], axis=-1), 1.0)


def test_a_network_that_repeats_the_last_increment_goes_on_straight():
    pandas = pytest.importorskip("pandas")

    class Straight:
        def predict(self, df):
            last = df.groupby("unique_id", sort=True)["y"].last()
            names = np.repeat(last.index.to_numpy(), STEPS)
            steps = np.tile(np.arange(STEPS), len(last))
            return pandas.DataFrame({"unique_id": names, "ds": steps, "Informer": np.repeat(last.to_numpy(), STEPS)})

    window = np.tile(IDENTITY_POSE, (100, 1))
    window[:, 1] = 0.001 * np.arange(100)
    out = np.empty((26, 7))
    InformerForecaster(Straight()).forecast(window, out=out)
    assert np.allclose(out[:, 1], window[-1, 1] + 0.002 * np.arange(26), atol=1e-6)
    assert np.allclose(out[:, 0], 0.0)


def test_recordings_become_increments_of_ten_milliseconds():
    recording = draw_recording("line", seed=2, duration_s=3.0)
    increments = increments_of(recording)
    assert increments.shape[1] == 7
    assert abs(len(increments) - 299) <= 1
    assert np.allclose(increments[:, :3].sum(axis=0), recording.poses[598, :3] - recording.poses[0, :3], atol=1e-3)


@pytest.mark.skipif(importlib.util.find_spec("neuralforecast") is not None, reason="neuralforecast is installed")
def test_training_without_the_extra_says_how_to_get_it():
    with pytest.raises(MissingPartError, match=r"teletwin\[informer\]"):
        require_neuralforecast()
    with pytest.raises(MissingPartError):
        train_informer([])


def test_a_network_that_cannot_be_built_is_refused():
    with pytest.raises(ConfigError):
        InformerCfg(hidden=10, heads=4)
    with pytest.raises(ConfigError):
        InformerCfg(steps=0)
