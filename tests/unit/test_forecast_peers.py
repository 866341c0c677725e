"""Our ARIMA against statsmodels', its forecasters behind our contract, and slow ones in the background."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest

from teletwin.errors import ConfigError, MissingPartError
from teletwin.forecast import WINDOW_COUNT, WINDOW_STEP_S, build_forecaster, forecast_cost_ms
from teletwin.forecast.arima import arima_forecast
from teletwin.forecast.background import BackgroundForecaster
from teletwin.messages import CURVE_KNOTS


def tracing_hand(seed=0, count=WINDOW_COUNT):
    rng = np.random.default_rng(seed)
    t = WINDOW_STEP_S * np.arange(count)
    poses = np.tile([0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0], (count, 1))
    poses[:, :3] = 0.02 * np.sin(np.array([2.0, 3.0, 5.0]) * t[:, None]) + 5e-4 * rng.normal(size=(count, 3))
    return poses


def parameters_with_bounded_roots(rng, p, q):
    """AR and MA coefficients whose roots stay below 0.9."""
    ar, ma = (np.atleast_1d(np.poly(rng.uniform(-0.9, 0.9, size=order)))[1:] for order in (p, q))
    return -ar, ma


@pytest.mark.parametrize(("p", "d", "q"), [(2, 1, 1), (2, 0, 1), (1, 1, 2), (3, 1, 0)])
@pytest.mark.parametrize("seed", range(3))
def test_arima_with_given_parameters_equals_statsmodels_to_1e_6(p, d, q, seed):
    models = pytest.importorskip("statsmodels.tsa.statespace.sarimax")
    rng = np.random.default_rng(seed)
    ar, ma = parameters_with_bounded_roots(rng, p, q)
    series = np.cumsum(rng.normal(size=(WINDOW_COUNT, 2)), axis=0)
    ours = arima_forecast(series, ar=ar, ma=ma, differences=d)
    for channel in range(2):
        model = models.SARIMAX(series[:, channel], order=(p, d, q), simple_differencing=False)
        theirs = model.filter(np.concatenate([ar, ma, [1.0]])).forecast(50)
        np.testing.assert_allclose(ours[:, channel], theirs, rtol=0, atol=1e-6)


def test_an_autoregression_that_explodes_is_refused():
    with pytest.raises(ConfigError, match="not stationary"):
        arima_forecast(np.zeros((50, 1)), ar=[1.1], ma=[0.0])


def test_the_autoregression_of_statsmodels_says_what_ours_says():
    pytest.importorskip("statsmodels")
    window = tracing_hand()
    ours, theirs = np.empty((CURVE_KNOTS, 7)), np.empty((CURVE_KNOTS, 7))
    build_forecaster("autoreg").forecast(window, out=ours)
    build_forecaster("statsmodels-autoreg").forecast(window, out=theirs)
    np.testing.assert_allclose(theirs[:, :3], ours[:, :3], rtol=0, atol=1e-9)


def test_statsmodels_arima_follows_a_line_and_survives_rubbish():
    pytest.importorskip("statsmodels")
    forecaster = build_forecaster("arima")
    out = np.empty((CURVE_KNOTS, 7))
    window = tracing_hand()
    window[:, 1:3] = 0.0
    window[50, 2] = np.nan
    forecaster.forecast(window, out=out)
    assert np.isfinite(out).all()
    np.testing.assert_allclose(out[0], window[-1], atol=1e-12)
    assert np.ptp(out[:, 2]) == 0.0
    assert np.ptp(out[:, 0]) > 0.0


def test_slow_forecasters_say_that_they_are_slow():
    assert forecast_cost_ms("arima") > 100.0 > forecast_cost_ms("statsmodels-autoreg") > 10.0
    assert forecast_cost_ms("combined") < 0.1
    with pytest.raises(ConfigError):
        forecast_cost_ms("crystal-ball")


def test_without_statsmodels_the_line_to_install_it_is_given():
    script = (
        "import sys; sys.modules['statsmodels'] = None\n"
        "from teletwin.forecast import build_forecaster\n"
        "from teletwin.errors import MissingPartError\n"
        "try:\n    build_forecaster('arima')\nexcept MissingPartError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert "pip install 'teletwin[bench]'" in done.stdout
    assert issubclass(MissingPartError, Exception)


@pytest.mark.live
def test_in_the_background_a_forecaster_never_holds_up_the_loop_and_its_curve_goes_on():
    track = tracing_hand(count=400)
    track[:, :3] = 0.1 * WINDOW_STEP_S * np.arange(400)[:, None]
    forecaster = BackgroundForecaster("linear")
    out = np.empty((CURVE_KNOTS, 7))
    try:
        forecaster.forecast(track[:WINDOW_COUNT], out=out)
        np.testing.assert_allclose(out, np.repeat(track[WINDOW_COUNT - 1 : WINDOW_COUNT], CURVE_KNOTS, axis=0))
        deadline = time.monotonic() + 60.0
        while not forecaster.answer_count and time.monotonic() < deadline:
            time.sleep(0.02)
            forecaster.forecast(track[:WINDOW_COUNT], out=out)
        assert forecaster.answer_count
        forecaster.slots_behind = 3
        forecaster.forecast(track[10 : 10 + WINDOW_COUNT], out=out)
        np.testing.assert_allclose(out[0], track[9 + WINDOW_COUNT], atol=1e-12)
        np.testing.assert_allclose(out[10, 0] - out[0, 0], 0.02, rtol=0.01)
    finally:
        forecaster.close()
