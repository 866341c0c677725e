"""Pooled models: the fit finds what is there, the file holds what was fitted and cannot hold anything else."""

from __future__ import annotations

import json

import numpy as np
import pytest

from teletwin.errors import ConfigError
from teletwin.forecast import WINDOW_COUNT
from teletwin.forecast.fit import PooledFitCfg, fit_pooled
from teletwin.forecast.pooled import PooledArForecaster, PooledFirForecaster, default_model
from teletwin.forecast.pooled_model import PooledModel
from teletwin.messages import CURVE_KNOTS


def autoregressive_track(*, seed=0, count=3000, scale=1e-3):
    """Every channel follows d[t] = 1.2 d[t-1] - 0.5 d[t-2] + e."""
    rng = np.random.default_rng(seed)
    d = rng.normal(size=(count, 7))
    for t in range(2, count):
        d[t] += 1.2 * d[t - 1] - 0.5 * d[t - 2]
    return np.cumsum(scale * d, axis=0)


def small_model():
    cfg = PooledFitCfg(taps=2, order=2, ridge=1e-9, speeds=(1,))
    return fit_pooled([("a", autoregressive_track()), ("b", autoregressive_track(seed=1, scale=10.0))], cfg=cfg)


def test_the_fit_finds_the_coefficients_whatever_the_scale_of_a_track():
    model = small_model()
    np.testing.assert_allclose(model.ar, [[1.2, -0.5]] * 2, atol=0.02)
    # displacement over two steps: d1 + d2 with d1 = 1.2 p - 0.5 q, d2 = 1.2 d1 - 0.5 p
    np.testing.assert_allclose(model.fir[:, 0], [[1.2 + 1.44 - 0.5, -0.5 - 0.6]] * 2, atol=0.05)


def test_a_model_survives_the_file_with_its_provenance(tmp_path):
    model = small_model()
    model.save(tmp_path / "model.json")
    again = PooledModel.load(tmp_path / "model.json")
    np.testing.assert_allclose(again.fir, model.fir, atol=1e-8)
    assert (again.names, again.pose_count, again.data_sha256) == (("a", "b"), 6000, model.data_sha256)


def test_the_same_tracks_give_the_same_bytes(tmp_path):
    for name in ("one.json", "two.json"):
        small_model().save(tmp_path / name)
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()


@pytest.mark.parametrize(
    "change",
    [{"format": "other"}, {"ar": [[float("nan")], [0.0]]}, {"fir": [[1.0]]}, {"ar": "x"}, {"fir": None}],
)
def test_a_file_that_is_no_model_is_refused_in_one_line(tmp_path, change):
    path = tmp_path / "model.json"
    small_model().save(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ConfigError, match="pooled"):
        PooledModel.load(path)


def test_nothing_to_fit_is_said():
    with pytest.raises(ConfigError, match="nothing to fit"):
        fit_pooled([("short", np.zeros((20, 7)))])
    with pytest.raises(ConfigError, match="a track cannot be fitted"):
        fit_pooled([("nan", np.full((500, 7), np.nan))])


def test_the_shipped_model_is_fitted_on_made_up_hands_and_handwriting_only():
    kinds = {name.partition(":")[0] for name in default_model().names}
    assert kinds == {"line", "reach", "write", "trace", "handwriting"}


def test_pooled_forecasters_apply_the_weights():
    model = small_model()
    window = autoregressive_track(seed=3, count=WINDOW_COUNT)
    window[:, 3:] = [1.0, 0.0, 0.0, 0.0]
    d = np.diff(window, axis=0)[:, 0]
    out = np.empty((CURVE_KNOTS, 7))
    PooledFirForecaster(model=model).forecast(window, out=out)
    assert out[1, 0] - window[-1, 0] == pytest.approx(model.fir[0, 0] @ d[[-1, -2]], abs=1e-12)
    PooledArForecaster(model=model).forecast(window, out=out)
    first = model.ar[0] @ d[[-1, -2]]
    second = model.ar[0] @ np.array([first, d[-1]])
    assert out[1, 0] - window[-1, 0] == pytest.approx(first + second, abs=1e-12)
