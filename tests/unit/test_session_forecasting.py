"""Which forecaster the live loop runs, and what it tells of a slow one."""

import numpy as np
import pytest

from teletwin.errors import ConfigError
from teletwin.forecast.background import BackgroundForecaster
from teletwin.messages import CURVE_KNOTS
from teletwin.session.forecasting import available_forecasters, live_forecaster, predicted_error_m, retire


def test_a_fast_forecaster_runs_in_the_slot_without_a_word():
    forecaster, warning = live_forecaster("hold", slot_s=0.01)
    assert warning == ""
    assert not isinstance(forecaster, BackgroundForecaster)


def test_a_slow_forecaster_runs_beside_the_loop_and_its_real_rate_is_told():
    pytest.importorskip("statsmodels")
    forecaster, warning = live_forecaster("statsmodels-autoreg", slot_s=0.01)
    try:
        assert "18 ms a pose" in warning
        assert "55.6 times a second, not 100" in warning
        window = np.tile([0.1, 0.2, 0.3, 1.0, 0.0, 0.0, 0.0], (100, 1))
        curve = np.zeros((CURVE_KNOTS, 7))
        forecaster.forecast(window, out=curve)  # answers at once, before the slow one has
        assert np.allclose(curve, window[-1])
    finally:
        retire(forecaster)


def test_an_unknown_forecaster_is_refused_with_the_names():
    with pytest.raises(ConfigError, match="combined"):
        live_forecaster("crystal-ball", slot_s=0.01)


def test_every_offered_forecaster_can_be_chosen():
    assert {"hold", "arma", "autoreg", "combined"} <= set(available_forecasters())


def test_the_combined_forecaster_tells_how_wrong_it_expects_to_be():
    forecaster, _ = live_forecaster("combined", slot_s=0.01)
    path = np.tile([0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0], (200, 1))
    path[:, 0] = 0.05 * np.sin(np.arange(200) / 15.0)
    curve = np.zeros((CURVE_KNOTS, 7))
    for end in range(100, 200):
        forecaster.forecast(path[end - 100 : end], out=curve)
    assert 0.0 < predicted_error_m(forecaster, 0.2) < 0.05
    assert predicted_error_m(forecaster, -1.0) == -1.0
